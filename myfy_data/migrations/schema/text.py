"""The file `schemas/<profile>.sql`: what migrations made of a database, to be read in a review (contract C14.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import unified_diff
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from myfy_data.migrations.connection import migration_engine, reading
from myfy_data.migrations.errors import explain_database_error
from myfy_data.migrations.schema import mysql, postgresql, sqlite
from myfy_data.migrations.target import Target

DIRECTORY = "schemas"

_READ: dict[str, Callable[[Connection, list[str]], Iterable[str]]] = {
    "sqlite": sqlite.read_schema,
    "postgresql": postgresql.read_schema,
    "mysql": mysql.read_schema,
}
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL or MariaDB"}


def schema_file(target: Target) -> Path:
    """Where the schema of a profile is written."""
    return target.root / DIRECTORY / f"{target.profile}.sql"


async def read_schema(target: Target) -> str:
    """The schema of a profile's live database as SQL, the same for the same schema on every machine.

    Neither host nor path nor row is in it; nor are tables of ours: the marker, the version tables, what tells of seeds.

    Raises:
        MigrationError: the database refuses to tell.
        DatabaseConnectionError: the server cannot be reached.
    """
    hidden = sorted(name.lower() for name in target.hidden)
    read = _READ[target.backend]
    try:
        async with migration_engine(target) as engine, reading(engine).connect() as connection:
            found = await connection.run_sync(lambda sync: list(read(sync, hidden)))
    except SQLAlchemyError as error:
        raise explain_database_error(target, error) from error
    return "\n".join(_lines(target, found))


def difference(target: Target, now: str) -> list[str]:
    """What differs between the file and the live database, as a unified diff; empty when nothing does."""
    path = schema_file(target)
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    name = f"{DIRECTORY}/{target.profile}.sql"
    return list(unified_diff(written.splitlines(), now.splitlines(), name, f"{target.profile} (live)", "", "", 1, ""))


def _lines(target: Target, found: Iterable[str]) -> Iterator[str]:
    yield f"-- The schema of the profile {target.profile!r} ({_NAMES[target.backend]}), as it is in the database."
    yield "-- Written by `myfy-data db schema`; revisions change it, not an edit."
    for statement in found:
        yield ""
        yield "\n".join(line.rstrip() for line in statement.strip().splitlines()) + ";"
    yield ""
