"""Which files of SQL and Python ran in a database already: its own word, in a table of ours."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from myfy_data.migrations.connection import migration_engine
from myfy_data.migrations.target import SEEDS_TABLE, Target
from myfy_data.seeds.files import SeedFile

_TABLE = Table(
    SEEDS_TABLE,
    MetaData(),
    Column("file", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("ran_at", String(40), nullable=False),
    mysql_engine="InnoDB",
)


def digest_of(text: str) -> str:
    """What a file's text comes to."""
    return hashlib.sha256(text.encode()).hexdigest()


async def make_record(target: Target) -> None:
    """Make the table where it is missing, before the transaction of the seeds: DDL ends one on MySQL."""
    async with migration_engine(target) as engine, engine.connect() as connection:
        await connection.run_sync(lambda sync: _TABLE.create(sync, checkfirst=True))
        await connection.commit()


def read_record(connection: Connection) -> dict[str, str]:
    """The digest of each file that ran, by its name."""
    if not inspect(connection).has_table(SEEDS_TABLE):
        return {}
    rows = connection.execute(select(_TABLE.c.file, _TABLE.c.digest))
    return {row.file: row.digest for row in rows}


def write_record(connection: Connection, file: SeedFile, digest: str) -> None:
    """Note that a file ran; belongs to the transaction of what it stored."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(insert(_TABLE).values(file=file.name, digest=digest, ran_at=now))
