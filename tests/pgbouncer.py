"""A PgBouncer of our own, in transaction mode, before a PostgreSQL server."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.own_servers import HOST, find, free_port, workspace
from tests.servers import NoServerError, account_of

SIZE = 2
"""Server connections that PgBouncer shares among all its clients."""

_INI = """
[databases]
* = host={host} port={port} user={user}{password}

[pgbouncer]
listen_addr = {listen}
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
{mixes}
"""

_FOLLOWS_SINCE = (1, 21)
"""The first version that can follow prepared statements by name; told not to, it mixes clients up as all others do."""


@contextmanager
def own_pgbouncer(url: str) -> Iterator[str]:
    """The URL of the same database, by way of a PgBouncer whose pool holds `SIZE` connections.

    Raises:
        NoServerError: PgBouncer is not installed.
    """
    program = find("pgbouncer")
    if program is None:
        raise NoServerError("no pgbouncer: install it (Debian: apt-get install pgbouncer)")
    account, database = account_of(url), url.rpartition("/")[2]
    with workspace("postgres") as work:  # PgBouncer refuses to run as root
        port = free_port()
        password = f" password='{account.password}'" if account.password else ""
        server = {"host": account.host, "port": account.port, "user": account.user, "password": password}
        mixes = "max_prepared_statements = 0" if _version(program) >= _FOLLOWS_SINCE else ""
        work.write("pgbouncer.ini", _INI.format(**server, listen=HOST, listen_port=port, size=SIZE, mixes=mixes))
        with work.daemon([str(program), "pgbouncer.ini"], port, signal.SIGTERM):
            yield f"postgresql://{account.user}@{HOST}:{port}/{database}"


def _version(program: Path) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, encoding="utf-8", check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])
