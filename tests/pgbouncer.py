"""A PgBouncer of our own, in transaction mode, before a PostgreSQL server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

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
"""


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
        work.write("pgbouncer.ini", _INI.format(**server, listen=HOST, listen_port=port, size=SIZE))
        with work.daemon([str(program), "pgbouncer.ini"], port, signal.SIGTERM):
            yield f"postgresql://{account.user}@{HOST}:{port}/{database}"
