"""What ends a SQLite transaction before its session does, and what is stored then."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule

SCHEMA = """
CREATE TABLE item (id INTEGER PRIMARY KEY);
CREATE TABLE unique_item (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK);
CREATE TABLE big (content BLOB);
CREATE TABLE trapped (id INTEGER);
CREATE TRIGGER trap BEFORE INSERT ON trapped BEGIN SELECT raise(ROLLBACK, 'no; never'); END;
"""


@asynccontextmanager
async def items(folder: Path, **settings: Any) -> AsyncIterator[DataModule]:
    """A module whose file has the tables; with one connection unless told otherwise."""
    given: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 30.0} | settings
    async with DataModule(settings=DatabaseSettings(database_url=f"sqlite:///{folder}/app.db", **given)) as data:
        async with data.session() as session:
            await (await driver_of(session)).executescript(SCHEMA)
        yield data


def file_connection(driver: Any) -> Any:
    """The connection of the standard library below, past every rule of ours."""
    return driver._conn


def on_thread(driver: Any, function: Callable[..., object], *arguments: object) -> Awaitable[Any]:
    """Run a function where the driver runs its own, past every rule of ours."""
    work: Awaitable[Any] = driver._execute(function, *arguments)
    return work


async def driver_of(session: AsyncSession) -> Any:
    """Aiosqlite's connection of a session."""
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def stored(data: DataModule) -> list[int]:
    async with data.session(read_only=True) as session:
        return list(await session.scalars(text("SELECT id FROM item")))


def says(statement: str) -> Callable[[AsyncSession], Awaitable[object]]:
    """Something that ends the transaction, sent as text."""
    return lambda session: session.execute(text(statement))


async def ended(session: AsyncSession, ends: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Write, have it ended, and go on as if nothing had been."""
    await session.execute(text("INSERT INTO item VALUES (1)"))
    with suppress(DBAPIError, sqlite3.Error):
        await ends(session)


def run_out(driver: Any) -> None:
    """Let the time of everything that a connection's thread was asked for be over."""
    driver.give_up_overdue(at=math.inf)
