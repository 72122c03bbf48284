"""The table of `database.py`, made and counted on plain SQLAlchemy: `database_tables.py make|count URL`."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import func, insert, make_url, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from database_child import ROWS
from database_rows.mapped import Base, Item


async def make(address: str) -> None:
    """Make the database, its table, and the rows that are read and changed."""
    url = make_url(address)
    if url.get_backend_name() == "mysql":
        server = create_async_engine(url.set(database="mysql"))
        async with server.begin() as connection:
            await connection.execute(text(f"CREATE DATABASE {url.database}"))
        await server.dispose()
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        if url.get_backend_name() == "sqlite":
            await connection.execute(text("PRAGMA journal_mode = wal"))  # the file remembers it, so all rows have it
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(Item), [{"name": f"item {n}"} for n in range(ROWS)])
        await connection.commit()
    await engine.dispose()


async def total(address: str) -> None:
    """Print how many rows were stored since, and the sum of all amounts."""
    engine = create_async_engine(address)
    async with engine.connect() as connection:
        count, amount = (await connection.execute(select(func.count(), func.sum(Item.amount)).select_from(Item))).one()
    print(count - ROWS, amount)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run({"make": make, "count": total}[sys.argv[1]](sys.argv[2]))
