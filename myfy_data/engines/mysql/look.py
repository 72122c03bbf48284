"""What the monitor asks a MariaDB server, in one message, and what the answers mean (contract C11.3; ADR 46).

A node of Galera takes writes beside its peers while it is synchronised with the primary component. Elsewhere one server
takes writes; its replicas say whom they follow, and `read_only` tells which of them is a replica, where it is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymysql.err import OperationalError

from myfy_data.engines.connect.look import Look
from myfy_data.engines.mysql.driver_connection import DriverConnection
from myfy_data.engines.mysql.error_codes import MISSING_PRIVILEGE
from myfy_data.engines.mysql.position import parse_gtid

LOOK = """\
SELECT
  @@global.read_only OR @@global.innodb_read_only,
  @@global.server_id,
  @@global.gtid_binlog_pos,
  @@global.gtid_current_pos,
  CURRENT_USER(),
  EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES
    WHERE REPLACE(GRANTEE, '''', '') = CURRENT_USER() AND PRIVILEGE_TYPE IN ('SUPER', 'READ_ONLY ADMIN')),
  (SELECT GROUP_CONCAT(VARIABLE_NAME, '=', VARIABLE_VALUE SEPARATOR ';') FROM information_schema.GLOBAL_STATUS
    WHERE VARIABLE_NAME IN ('SLAVES_RUNNING', 'WSREP_CLUSTER_CONF_ID', 'WSREP_CLUSTER_STATE_UUID',
      'WSREP_CLUSTER_STATUS', 'WSREP_LAST_COMMITTED', 'WSREP_LOCAL_STATE', 'WSREP_LOCAL_STATE_COMMENT',
      'WSREP_PROVIDER_NAME', 'WSREP_READY'));
SHOW ALL SLAVES STATUS"""
"""Tables of information_schema are answered by a node of Galera without its cluster as well."""

_SYNCED = "4"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server said.

    Attributes:
        refuses: whether it refuses the writes of ordinary accounts.
        member: its `server_id`.
        account: the account that asks, as the server has it: `app@%`.
        is_exempt: whether that account may write all the same.
        status: its status variables, those of Galera included.
        sources: its connections to the servers that it follows, by column; None when the account may not see them.
        logged: GTIDs of what it has in its binary log; empty where there is none.
        applied: GTIDs of what it has, its own and other servers'.
    """

    refuses: bool
    member: str
    account: str
    is_exempt: bool
    status: Mapping[str, str]
    sources: Sequence[Mapping[str, Any]] | None
    logged: str = ""
    applied: str = ""


async def ask_for_look(driver: DriverConnection) -> Answers:
    """Ask a server, over an aiomysql connection.

    Raises:
        pymysql.err.MySQLError: it did not answer, or refuses the question.
    """
    async with driver.cursor() as cursor:
        await cursor.execute(LOOK)
        refuses, member, logged, applied, account, is_exempt, status = await cursor.fetchone()
        try:
            await cursor.nextset()
            names = [column[0] for column in cursor.description]
            sources = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
        except OperationalError as error:
            if error.args[0] != MISSING_PRIVILEGE:
                raise
            sources = None
    text: str = status or ""
    told = dict(pair.split("=", 1) for pair in text.split(";") if pair)
    return Answers(bool(refuses), str(member), account, bool(is_exempt), told, sources, logged or "", applied or "")


def read_look(answers: Answers) -> Look:
    """What the server said of itself."""
    return _node(answers) if answers.status.get("WSREP_PROVIDER_NAME") else _server(answers)


def _node(answers: Answers) -> Look:
    """A node of Galera."""
    status = answers.status
    state = status.get("WSREP_LOCAL_STATE_COMMENT", "in no state")
    if status.get("WSREP_READY") != "ON" or status.get("WSREP_CLUSTER_STATUS") != "Primary":
        reason = f"the node is not in its cluster's primary component ({state})"
        return Look(
            is_primary=False, follows=False, reason=reason, cut_off=True
        )  # one that joins does not say of which cluster
    system, view = status.get("WSREP_CLUSTER_STATE_UUID"), status.get("WSREP_CLUSTER_CONF_ID", "")
    look = Look(
        is_primary=not answers.refuses,
        system=system,
        timeline=int(view) if view.isdigit() else None,
        lag=0.0,
        peers=system,
        progress=_committed(status),
    )
    if status.get("WSREP_LOCAL_STATE") == _SYNCED:
        return look
    # Nothing bounds how far behind it is: the others do not wait for it.
    return replace(look, is_primary=False, lag=None, reason=f"the node is not synchronised ({state})")


def _committed(status: Mapping[str, str]) -> dict[str, int]:
    """How many transactions of its cluster a node has; it may call itself synchronised and not have the last ones."""
    number = status.get("WSREP_LAST_COMMITTED", "")
    return {status.get("WSREP_CLUSTER_STATE_UUID", ""): int(number)} if number.isdigit() else {}


def _progress(gtids: str) -> dict[str, int]:
    return {str(domain): number for domain, number in parse_gtid(gtids).items()}


def _server(answers: Answers) -> Look:
    """A server that follows another one, or none."""
    sources = answers.sources
    if sources is None:
        return _in_part(answers)
    followed = [source for source in sources if _is_meant_to_follow(source)]
    if not answers.refuses and not followed:
        return Look(is_primary=True, member=answers.member, lag=0.0, progress=_progress(answers.logged))
    receiving = [source for source in followed if source["Slave_IO_Running"] == "Yes"]
    delays = [source["Seconds_Behind_Master"] for source in followed]
    return Look(
        is_primary=False,
        follows=len(receiving) == len(followed) > 0,
        lag=None if None in delays or not delays else float(max(delays)),
        member=answers.member,
        source=str(receiving[0]["Master_Server_Id"]) if receiving else None,
        reason=next(filter(None, map(_complaint, followed)), ""),
        cut_off=answers.is_exempt or not answers.refuses,
        progress=_progress(answers.applied),
    )


def _is_meant_to_follow(source: Mapping[str, object]) -> bool:
    """Whether one of a connection's two threads runs; a promotion stops both, a row that cannot be applied only one.

    A server that is not `read_only`, as replicas often are, is a replica by this alone.
    """
    return any(source[thread] != "No" for thread in ("Slave_IO_Running", "Slave_SQL_Running"))


def _complaint(source: Mapping[str, object]) -> str:
    return str(source["Last_SQL_Error"] or source["Last_IO_Error"] or "")


def _in_part(answers: Answers) -> Look:
    """What an account knows that may not ask whom a server follows: whether it applies anything."""
    applies = answers.status.get("SLAVES_RUNNING", "0") != "0"
    if not answers.refuses and not applies:
        return Look(is_primary=True, member=answers.member, lag=0.0, progress=_progress(answers.logged))
    user, _, host = answers.account.rpartition("@")
    return Look(
        is_primary=False,
        follows=None if applies else False,
        member=answers.member,
        hint=f"GRANT SLAVE MONITOR ON *.* TO '{user}'@'{host}'",
        cut_off=answers.is_exempt or not answers.refuses,
    )
