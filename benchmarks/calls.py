"""Count the calls of Python functions that a unit of work costs, on each database.

Usage: `python benchmarks/calls.py [URL ...]`; without one, SQLite in a temporary file. A count is the same on a busy
machine, so it shows what a change costs where a clock would not. The table is created in the database, and dropped.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text

from myfy_data import DatabaseSettings, DataModule

METADATA = MetaData()
ITEMS = Table("myfy_calls", METADATA, Column("id", Integer, primary_key=True), Column("name", String(20)))

Work = Callable[[DataModule], Awaitable[Any]]
WARM_UP, UNITS = 5, 50


async def read(data: DataModule) -> None:
    """A row by its key."""
    async with data.session() as session:
        (await session.execute(select(ITEMS).where(ITEMS.c.id == 1))).all()


async def write(data: DataModule) -> None:
    """A row, compiled by SQLAlchemy."""
    async with data.session() as session:
        await session.execute(insert(ITEMS).values(name="x"))


async def write_text(data: DataModule) -> None:
    """A row, as text."""
    async with data.session() as session:
        await session.execute(text("INSERT INTO myfy_calls (name) VALUES ('x')"))


async def counted(work: Work, data: DataModule) -> Counter[str]:
    """Calls in many units of work, by the package that they are in; a coroutine that goes on counts again."""
    for _ in range(WARM_UP):
        await work(data)
    found: Counter[str] = Counter()

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call":
            found[str(frame.f_globals.get("__name__", "")).partition(".")[0]] += 1

    sys.setprofile(note)
    try:
        for _ in range(UNITS):
            await work(data)
    finally:
        sys.setprofile(None)
    return found


async def count(url: str) -> None:
    """Print a line for each kind of work."""
    settings = DatabaseSettings(database_url=url)
    async with DataModule(settings=settings, auto_create_tables=True, metadata=METADATA) as data:
        for work in (read, write, write_text):
            found = await counted(work, data)
            ours, others = found["myfy_data"] / UNITS, found.total() / UNITS
            print(f"{settings.url.backend:<12}{work.__name__:<12}{others:6.0f} calls, {ours:.0f} of them ours")
        async with data.session() as session:
            await session.execute(text("DROP TABLE myfy_calls"))


def main() -> None:
    """Count on each database that is named."""
    with tempfile.TemporaryDirectory() as directory:
        for url in sys.argv[1:] or [f"sqlite:///{Path(directory) / 'calls.db'}"]:
            asyncio.run(count(url))


if __name__ == "__main__":
    main()
