"""The servers of a profile: lists that cannot be read, and servers that are given twice."""

from __future__ import annotations

from tests.golden.cases.bases import url
from tests.golden.project import SECRET, Case

_URL = "postgresql://app@/main"
_AT_A = "postgresql://app@a/main"


def _hosts(value: str) -> Case:
    return Case(url(_URL, f"hosts = {value}\n"))


CLUSTERS = {
    "hosts as one text": _hosts('"db1.internal, db2.internal:5433"'),
    "hosts as one text with a password": _hosts(f'"app:{SECRET}@db1.internal"'),
    "hosts is a number": _hosts("5432"),
    "hosts is empty": _hosts("[]"),
    "hosts with a password": _hosts(f'["app:{SECRET}@db1.internal"]'),
    "hosts with a space": _hosts('["db1 internal"]'),
    "hosts with a bad port": _hosts('["db1.internal:70000", "db2.internal"]'),
    "hosts twice": _hosts('["db1.internal", "DB2.internal", "db2.internal:5432"]'),
    "hosts beside host": Case(url(_URL, 'host = "a"\nhosts = ["b", "c"]\n')),
    "hosts beside the url's": Case(url(_AT_A, 'hosts = ["b", "c"]\n')),
    "hosts beside query.host": Case(url(_URL, 'query = { host = "a,b" }\nhosts = ["b", "c"]\n')),
    "hosts in a variable with a gap": Case(url(_AT_A), variables={"MYFY_DATA_HOSTS": "a,,b"}),
    "hosts of sqlite": Case(url("sqlite:///./app.db", 'hosts = ["a", "b"]\n')),
    "hosts behind a pooler": Case(url(_URL, 'hosts = ["a", "b"]\npooler = "pgbouncer"\n')),
    "hosts and the driver's own choice": Case(
        url(_URL, 'hosts = ["a", "b"]\nconnect_args = { target_session_attrs = "primary" }\n')
    ),
    "sockets of mysql among hosts": Case(url("mysql://app@/main", 'hosts = ["/run/mysqld"]\n')),
    "host is a list": Case(url(_URL, 'host = "a,b"\n')),
    "gap between hosts of the url": Case(url("postgresql://app@a,,b/main")),
    "reads.hosts twice": Case(url(_AT_A, 'reads.hosts = ["b", "b"]\n')),
    "reads.hosts names the primary": Case(url(_AT_A, 'reads.hosts = ["a", "c"]\n')),
    "reads.hosts of sqlite": Case(url("sqlite:///./app.db", 'reads.hosts = ["a"]\n')),
    "reads from nowhere": Case(url(_AT_A, 'reads.from = "replicas"\n')),
    "target_session_attrs any": Case(url("postgresql://app@a,b/main?target_session_attrs=any")),
    "target_session_attrs unknown": Case(url("postgresql://app@a,b/main?target_session_attrs=writer")),
    "target_session_attrs against read_only": Case(
        url("postgresql://app@a,b/main?target_session_attrs=standby", "read_only = false\n")
    ),
}
