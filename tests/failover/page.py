"""The results as a page of the documentation."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence

from tests.failover.campaign import OVER, Result
from tests.failover.clients import DEADLINE, HEARTBEAT, MAX_LAG
from tests.failover.reads import section
from tests.markdown import heading, listed, row

GENERATED = "<!-- Made by `make failover`: do not edit. -->"
PACKAGES = ("sqlalchemy", "asyncpg", "aiomysql")

INTRO = f"""\
Five writers and three readers at work while something happens to their database's servers. A writer stores one row
in a unit of work, a reader looks for the rows that were acknowledged before it began. All servers and clients run on
one small machine: compare the rows of a table with each other, not with another machine's.

**myfy-data** is a profile with `hosts`, `heartbeat = {HEARTBEAT:g}`, `reads.from = "prefer-replica"` and
`max_lag = {MAX_LAG:g}`. **Without the monitor** is the same, which looks at each server once, at its start: the
control, which shows what the monitor is for. **SQLAlchemy** has asyncpg's own list (`?host=a&host=b`) with
`target_session_attrs`, and `pool_pre_ping`; aiomysql has no list, so that it knows the first server alone. Deadlines
of all of them are {DEADLINE:g} s.

- **network cut**: between the primary and its clients; under Patroni also between the primary and the other servers,
  HAProxy and etcd.
- **promotion**: seconds from the event until another server took writes; where a node of Galera is lost, until the
  others took them without it.
- **gap**: the longest time in which no writer heard that a row was stored. The promise is promotion + 2 heartbeats +
  {OVER:g} s. Behind HAProxy its checks come on top of that, on Galera one heartbeat: each node says that it takes
  writes, so that one is left after two missed looks.
- **lost**: rows that were acknowledged, and that the new primary does not have.
- **unknown**: rows of which the client was told that nobody knows, and how many of those are stored.
- **untrue**: rows that are stored, of which the client was told that they are not.
- **deposed**: statements that a deposed server answered, and rows that it took, after its successor took writes.
- **behind**: reads that lacked the row which was acknowledged last, by whichever writer; a replica may.
- **stale**: reads that lacked a row which was acknowledged {MAX_LAG:g} s and two heartbeats before.
"""

COLUMNS = (
    *("event", "client", "promotion", "gap", "acknowledged", "lost", "unknown (stored)", "untrue", "deposed"),
    *("reads", "behind", "stale"),
)


def page(results: Sequence[Result]) -> str:
    """The whole page."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    lines = [GENERATED, "", "# When servers fail", "", INTRO, f"Measured with {versions}.", ""]
    for cluster in dict.fromkeys(result.cluster for result in results):
        every = [result for result in results if result.cluster == cluster]
        events = [*dict.fromkeys(result.event for result in every)]
        own = sorted(every, key=lambda result: events.index(result.event))  # the clients of one event side by side
        lines += [f"## {cluster}", "", *_table(own), ""]
        lines += ["What was raised, and how often:", "", *listed(_raised(own)), ""]
    return "\n".join([*lines, *section(), *_verdict(results)]) + "\n"


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield from heading(" | ".join(COLUMNS))
    for one in results:
        promotion = "" if one.promotion is None else f"{one.promotion:.1f} s"
        gap = f"**none within {one.limit:g} s**" if one.gap is None else f"{one.gap:.1f} s"
        counts = (one.acknowledged, one.lost, f"{one.unknown} ({one.unknown_stored})", one.untrue, one.deposed)
        yield row([one.event, one.client, promotion, gap, *counts, one.reads, one.behind, one.stale])


def _raised(results: Sequence[Result]) -> Iterator[str]:
    for one in results:
        told = ", ".join(f"{number} {name}" for name, number in one.errors.most_common())
        yield f"{one.event}, {one.client}: {told or 'nothing'}"


def _verdict(results: Sequence[Result]) -> Iterator[str]:
    yield "## What was promised"
    yield ""
    broken = [one for one in results if one.client == "myfy-data" and one.broken]
    if not broken:
        yield "Each row of myfy-data kept the promise, and no connection was in use at its end."
    for one in broken:
        yield f"- {one.cluster}, {one.event}: {'; '.join(one.broken)}"
