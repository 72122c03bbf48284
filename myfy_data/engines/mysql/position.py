"""MariaDB's positions: GTIDs, which replicas apply, and the transactions that a Galera cluster has numbered (C11.4)."""

from __future__ import annotations

from collections.abc import Sequence

from myfy_data.engines.connect.position import Answer, Position, PositionQuestions

_NODE = """(SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME SEPARATOR ':')
    FROM information_schema.GLOBAL_STATUS
    WHERE VARIABLE_NAME IN ('WSREP_CLUSTER_STATE_UUID', 'WSREP_LAST_COMMITTED', 'WSREP_PROVIDER_NAME'))"""
"""Of a node of Galera: the cluster, the last transaction, and the provider, which a server alone has not."""

WRITTEN = f"SELECT @@global.gtid_binlog_pos, @@global.server_id, {_NODE}"
APPLIED_GTID = "SELECT @@global.gtid_slave_pos"
APPLIED_NODE = f"SELECT {_NODE}"


def read_written(row: Answer) -> Position | None:
    """The position in the answer to `WRITTEN`; a server without a binary log has none."""
    binary_log, server, node = row
    found = _node(node)
    if found is not None:  # its peers go on with the same numbers
        return Position(":".join(found), found[0])
    return Position(binary_log, None, str(server)) if binary_log else None


def applied(positions: Sequence[str]) -> str:
    """What a replica is asked for these."""
    return APPLIED_NODE if any(":" in position for position in positions) else APPLIED_GTID


def reaches(row: Answer, position: str) -> bool:
    """Whether the answer is at or behind a position."""
    [told] = row
    cluster, is_node, number = position.partition(":")
    if is_node:
        found = _node(told)
        return found is not None and found[0] == cluster and int(found[1]) >= int(number)
    there = parse_gtid(told or "")
    return all(there.get(domain, -1) >= number for domain, number in parse_gtid(position).items())


def _node(told: str | None) -> tuple[str, str] | None:
    """Cluster and last transaction of a node that has a provider."""
    cluster, _, rest = (told or "").partition(":")
    number, _, provider = rest.partition(":")
    return (cluster, number) if provider and number.isdigit() else None


def parse_gtid(text: str) -> dict[int, int]:
    """The number of the last transaction in each domain: `0-1-100,7-1-20`. Its server does not matter."""
    found: dict[int, int] = {}
    for gtid in filter(None, (one.strip() for one in text.split(","))):
        domain, _, number = gtid.split("-")
        found[int(domain)] = max(int(number), found.get(int(domain), 0))
    return found


POSITIONS = PositionQuestions(written=WRITTEN, read_written=read_written, applied=applied, reaches=reaches)
