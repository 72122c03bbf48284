"""Making, marking and dropping a profile's database (contract C14.1)."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.errors import MigrationError
from myfy_data.migrations.connection import migration_engine
from myfy_data.migrations.file_lock import SUFFIX
from myfy_data.migrations.marker import Marker, read_marker, refusal, require_ours, write_marker
from myfy_data.migrations.target import MARKER_TABLE, Target
from myfy_data.migrations.writable import require_writable
from myfy_data.settings.servers import require_address

T = TypeVar("T")

_OTHERS_FIRST = (
    "end the other sessions: stop the application and what else is connected, then run the same command again"
)

_MAINTENANCE = {"postgresql": "postgres", "mysql": ""}
"""The database to be connected to while another one is made or dropped; MySQL needs none."""

_CATALOG = {
    "postgresql": "SELECT 1 FROM pg_database WHERE datname = :name",
    "mysql": "SELECT 1 FROM information_schema.schemata WHERE schema_name = :name",
}

_BESIDE_SQLITE = ("", "-wal", "-shm", "-journal", SUFFIX)
"""The files of a SQLite database, by what is added to its path."""


async def create(target: Target) -> bool:
    """Make a profile's database, and mark it with the environment; whether it was made.

    Raises:
        ConfigError: there is one, and its marker is missing or another environment's; or the profile has no address.
        MigrationError: the server refuses.
        DatabaseConnectionError: the server cannot be reached.
    """
    require_address(target.profile, target.settings, "db create --profile")
    if await exists(target):
        require_ours(target, await read(target))
        return False
    if target.backend != "sqlite":
        await _on_server(target, "CREATE DATABASE")
    await mark(target, target.environment)
    return True


async def mark(target: Target, environment: str) -> None:
    """Say which environment a database belongs to.

    Raises:
        ConfigError: the profile has no address.
        MigrationError: the server refuses.
        DatabaseConnectionError: it cannot be reached, or is not there.
    """
    require_address(target.profile, target.settings, f"db mark --as {shlex.quote(environment)} --profile")
    try:
        await _inside(target, lambda connection: write_marker(connection, environment))
    except DBAPIError as error:
        reason = f"the server refuses to mark {target.database}: {' '.join(str(error.orig).split())}"
        fix = _OTHERS_FIRST if target.backend == "sqlite" else _fix_by_grant(target)
        raise MigrationError(target.profile, reason, fix=fix) from None


async def read(target: Target) -> Marker | None:
    """What a database says of itself.

    Raises:
        ConfigError: what stands in the marker's place is none.
        DatabaseConnectionError: it cannot be reached, or is not there.
    """
    try:
        return await _inside(target, read_marker)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        message = f"the marker of {target.database!r} cannot be read ({reason})"
        fix = f"look at its table {MARKER_TABLE}; where that is none of ours, DROP TABLE {MARKER_TABLE}, then db mark"
        raise refusal(target, message, fix) from None


async def drop(target: Target, named: Callable[[], str | None]) -> bool:
    """Drop a profile's database, if it is this environment's by its own word; whether there was one.

    Args:
        target: the profile; its `may_drop` is the name that was given on the command line.
        named: asks for a name that was not given; None without a terminal.

    Raises:
        ConfigError: production, another environment's database, or the name was not given.
        MigrationError: the server refuses, such as while others are connected.
        DatabaseConnectionError: the server cannot be reached.
    """
    require_address(target.profile, target.settings, dropping(target, "db drop"))
    if target.is_protected:
        message = f"{target.database!r} is not dropped from {target.environment!r}"
        raise refusal(target, message, "drop it with the server's own tools, such as dropdb")
    if not await exists(target):
        return False
    require_ours(target, await read(target))
    if (target.may_drop or named()) != target.database:
        fix = f"add --yes-drop {shlex.quote(target.database)}"
        raise refusal(target, f"the name {target.database!r} was not given", fix)
    if target.backend == "sqlite":
        _delete(target)
    else:
        await _on_server(target, "DROP DATABASE")
    return True


def dropping(target: Target, command: str) -> str:
    """A command that drops, with the name that was given for it; the profile's follows."""
    name = "" if target.may_drop is None else f" --yes-drop {shlex.quote(target.may_drop)}"
    return f"{command}{name} --profile"


async def _inside(target: Target, action: Callable[[Connection], T]) -> T:
    async with migration_engine(target) as engine, engine.connect() as connection:
        return await connection.run_sync(action)


async def exists(target: Target) -> bool:
    """Whether a profile's database is there.

    Raises:
        DatabaseConnectionError: the server cannot be reached.
    """
    if target.backend == "sqlite":
        return os.path.exists(target.settings.url.database or "")  # noqa: ASYNC240, PTH110 - one look
    async with _server(target) as connection:
        found = await connection.execute(text(_CATALOG[target.backend]), {"name": target.database})
        return found.first() is not None


async def _on_server(target: Target, words: str) -> None:
    try:
        async with _server(target) as connection:
            await require_writable(target, connection)
            quoted = connection.dialect.identifier_preparer.quote_identifier(target.database)
            await connection.exec_driver_sql(f"{words} {quoted}")
    except DBAPIError as error:
        reason = f"the server refuses {words} {target.database}: {' '.join(str(error.orig).split())}"
        raise MigrationError(target.profile, reason, fix=_fix(target, words)) from None


def _fix(target: Target, words: str) -> str:
    if words.startswith("CREATE"):
        if target.backend == "mysql":
            return _fix_by_grant(target)
        return f"ALTER ROLE {_quoted(target, target.settings.url.username or '...')} CREATEDB"
    return _OTHERS_FIRST


def _delete(target: Target) -> None:
    for suffix in _BESIDE_SQLITE:
        Path(f"{target.settings.url.database}{suffix}").unlink(missing_ok=True)


@asynccontextmanager
async def _server(target: Target) -> AsyncIterator[AsyncConnection]:
    """A connection to the server, outside of the database that is made or dropped."""
    settings = target.settings.model_copy(update={"database": _MAINTENANCE[target.backend]})
    outside = replace(target, settings=settings)
    async with (
        migration_engine(outside) as engine,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
    ):
        yield connection


def _fix_by_grant(target: Target) -> str:
    """The statement that lets the profile's user do everything in its database; on MySQL, make it, too."""
    name = _quoted(target, target.settings.url.username or "...")
    if target.backend != "mysql":
        database = _quoted(target, target.database)
        return f"GRANT ALL ON DATABASE {database} TO {name}; GRANT ALL ON SCHEMA public TO {name}"
    database = re.sub("([_%])", r"\\\1", target.database)  # both would stand for the names of others
    return f"GRANT ALL ON {_quoted(target, database)}.* TO {name}"


def _quoted(target: Target, name: str) -> str:
    dialect = postgresql.dialect() if target.backend == "postgresql" else mysql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types for it
    return dialect.identifier_preparer.quote(name)
