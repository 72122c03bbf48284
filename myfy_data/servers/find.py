"""Which server serves a database that has a driver and no address (contract C13.4)."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from myfy_data.errors import DataModuleError
from myfy_data.servers.administration import ask_blocking
from myfy_data.servers.mariadb import start_mariadb
from myfy_data.servers.postgresql import start_embedded
from myfy_data.servers.running import RunningServer
from myfy_data.settings.database_settings import DatabaseSettings

Wanted = Literal["auto", "embedded"]

_SECONDS = 2.0
"""For a server on this machine to let us in."""

_MAY_CREATE = {
    "postgresql": "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreatedb)",
    "mysql": "SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'CREATE'"
    " AND REPLACE(grantee, '''', '') = CURRENT_USER()",
}
_MAINTENANCE = {"postgresql": "postgres", "mysql": "information_schema"}

_STARTS: dict[str, Callable[[Path | None], RunningServer | None]] = {
    "postgresql": start_embedded,
    "mysql": start_mariadb,
}


def find_server(backend: str, wanted: Wanted = "auto", keep: Path | None = None) -> RunningServer | None:
    """A server on this machine in which we may create databases, else one that is started; None when there is none.

    Args:
        backend: `postgresql` or `mysql`.
        wanted: `embedded` for one that is started, even where another one runs.
        keep: where the data of one that is started stays for the next start; it ends with the server when None.

    Raises:
        ServerStartError: one that is installed did not start.
    """
    if wanted == "auto" and (standing := standing_server(backend)) is not None:
        return standing
    return _STARTS[backend](keep)


def standing_server(backend: str) -> RunningServer | None:
    """A server that runs on this machine on its usual port or socket, and lets us create databases."""
    for template in _usual(backend):
        settings = DatabaseSettings(
            database_url=template.format(_MAINTENANCE[backend]), connect_timeout=_SECONDS, command_timeout=_SECONDS
        )
        with suppress(DataModuleError):
            if ask_blocking(settings, _MAY_CREATE[backend]):
                return RunningServer(backend, template, f"the {_NAMES[backend]} of this machine")
    return None


_NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB or MySQL"}


def _usual(backend: str) -> Iterator[str]:
    user = quote(_user(), safe="")
    if backend == "postgresql":
        for name in dict.fromkeys(("postgres", user)):
            yield f"postgresql+asyncpg://{name}@127.0.0.1:5432/{{}}"
        if Path("/var/run/postgresql/.s.PGSQL.5432").exists():
            yield f"postgresql+asyncpg://{user}@/{{}}?host=/var/run/postgresql"
    else:
        yield "mysql+aiomysql://root@127.0.0.1:3306/{}"
        for path in ("/run/mysqld/mysqld.sock", "/tmp/mysql.sock"):  # noqa: S108 - where servers put it
            if Path(path).exists():
                yield f"mysql+aiomysql://{user}@localhost/{{}}?unix_socket={path}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "root"
