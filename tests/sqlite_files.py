"""SQLite files for the tests of engines: opened, counted in, asked for their pragmas."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.engines.sqlite.write_queue import writer_queue
from myfy_data.settings.database_settings import DatabaseSettings

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"
"""A statement that runs for minutes."""

INCREMENT = """
import asyncio, sys
from sqlalchemy import text
from myfy_data.engines.factory import open_engine
from myfy_data.settings.database_settings import DatabaseSettings

async def increment(engine):
    async with engine.begin() as connection:
        value = (await connection.execute(text("SELECT value FROM counter"))).scalar_one()
        await connection.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

async def main(path, writers, times):
    patient = {"busy_timeout": 60.0}  # SQLite does not serve two processes in the order of asking
    engine = open_engine("main", DatabaseSettings(database_url=f"sqlite:///{path}", sqlite=patient, pool_timeout=60.0))
    async def write():
        for _ in range(times):
            await increment(engine)
    await asyncio.gather(*(write() for _ in range(writers)))
    await engine.dispose()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


@asynccontextmanager
async def opened(path: Path | None, **settings: object) -> AsyncIterator[AsyncEngine]:
    """An engine for a file, or in memory; closed after the block."""
    url = f"sqlite:///{path}" if path else "sqlite://"
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, **settings)})
    try:
        yield registry.get("main")
    finally:
        await registry.close()


async def waiting_writers(path: Path, count: int) -> None:
    """Wait until so many wait for their turn to write."""
    while writer_queue(str(path)).waiting < count:
        await asyncio.sleep(0)


async def increment(connection: AsyncConnection) -> None:
    value = await counter(connection)
    await connection.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})


async def counter(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT value FROM counter"))).scalar_one())


async def counted(path: Path) -> int:
    async with opened(path) as engine, engine.connect() as connection:
        return await counter(connection)


async def pragma(engine: AsyncEngine, name: str) -> object:
    async with engine.connect() as connection:
        return (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()


def database_with_counter(folder: Path) -> Path:
    """A database with a counter at 0 and a table of children that must have a parent."""
    file = folder / "app.db"
    connection = sqlite3.connect(file)
    connection.executescript(
        """
        CREATE TABLE counter (value INTEGER NOT NULL);
        INSERT INTO counter VALUES (0);
        CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (parent_id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
        """
    )
    connection.close()
    return file
