"""What the monitor asks a PostgreSQL server, in one statement, and what the answer means (contract C11.3)."""

from __future__ import annotations

from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Answer

LOOK = """\
SELECT
  r.is_standby,
  (SELECT system_identifier::text FROM pg_control_system()),
  CASE WHEN r.is_standby THEN COALESCE(w.received_tli, (SELECT timeline_id FROM pg_control_checkpoint()))
       ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END,
  w.pid IS NOT NULL,
  w.status,
  CASE WHEN NOT r.is_standby THEN 0.0
       WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0.0
       ELSE GREATEST(0.0, EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END,
  ((CASE WHEN r.is_standby THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_flush_lsn() END) - '0/0'::pg_lsn)::bigint
FROM (SELECT pg_is_in_recovery() AS is_standby) r LEFT JOIN pg_stat_wal_receiver w ON true"""
# Of the log what is flushed, which is what standbys are sent; and what they received, for the lag says the rest.


def read_look(row: Answer, username: str | None) -> Look:
    """What the server said of itself.

    Args:
        row: the answer to `LOOK`.
        username: whom to grant what it may not see; any account sees whether there is a receiver, not how it is.
    """
    is_standby, system, timeline, receives, status, lag, lsn = row
    progress = {"log": lsn} if lsn is not None else {}
    if not is_standby:
        return Look(is_primary=True, system=system, timeline=timeline, lag=0.0, progress=progress)
    if receives and status is None:
        hint = f"GRANT pg_monitor TO {_quoted(username)}"
        return Look(is_primary=False, system=system, timeline=None, follows=None, hint=hint)
    follows = bool(receives) and status == "streaming"
    known = float(lag) if follows and lag is not None else None
    return Look(is_primary=False, system=system, timeline=timeline, follows=follows, lag=known, progress=progress)


def _quoted(name: str | None) -> str:
    return f'"{name.replace(chr(34), chr(34) * 2)}"' if name else "CURRENT_USER"
