"""The drivers' own pools and plain SQL: what any library above them can only add to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from database_rows.common import SIZE, Operations

READ = "SELECT name FROM items WHERE id = {0}"
INSERT = "INSERT INTO items (name, amount) VALUES ({0}, 0)"
BOTH = "SELECT id, amount FROM items WHERE id IN ({0}, {1})"
CHANGE = "UPDATE items SET amount = {0} WHERE id = {1}"


class PostgreSQL:
    """asyncpg's pool."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._read, self._both, self._change = (sql.format("$1", "$2") for sql in (READ, BOTH, CHANGE))
        self._insert = INSERT.format("$1") + " RETURNING id"

    async def read(self, key: int) -> str:
        """The name of one row."""
        async with self._pool.acquire() as connection:
            return await connection.fetchval(self._read, key)

    async def insert(self, name: str) -> int:
        """Store one row; its key."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await connection.fetchval(self._insert, name)

    async def change(self, first: int, second: int) -> None:
        """Read two rows and add one to the amount of each."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(self._both, first, second)
            await connection.executemany(self._change, [(amount + 1, key) for key, amount in rows])


class Cursors:
    """aiomysql's pool, or connections of aiosqlite: both speak the DBAPI.

    Args:
        acquire: gives a connection for a block.
        mark: how the driver writes a parameter.
        begin: what begins a transaction; the connections are in autocommit.
    """

    def __init__(self, acquire: Any, mark: str, begin: str) -> None:
        self._acquire = acquire
        self._begin = begin
        self._read, self._insert, self._both, self._change = (
            sql.format(mark, mark) for sql in (READ, INSERT, BOTH, CHANGE)
        )

    async def read(self, key: int) -> str:
        """The name of one row."""
        async with self._acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(self._read, (key,))
            return (await cursor.fetchone())[0]

    async def insert(self, name: str) -> int:
        """Store one row; its key."""
        async with self._acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(self._begin)
            await cursor.execute(self._insert, (name,))
            await connection.commit()
            return cursor.lastrowid

    async def change(self, first: int, second: int) -> None:
        """Read two rows and add one to the amount of each."""
        async with self._acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(self._begin)
            await cursor.execute(self._both, (first, second))
            for key, amount in await cursor.fetchall():
                await cursor.execute(self._change, (amount + 1, key))
            await connection.commit()


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[Operations]:  # noqa: ARG001, FBT001 - as the other rows
    """Open the pool."""
    async with AsyncExitStack() as stack:
        kind = url.partition("+")[0]
        yield await {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}[kind](url, stack)


async def _postgresql(url: str, stack: AsyncExitStack) -> Operations:
    import asyncpg  # noqa: PLC0415 - one driver is enough

    dsn = url.replace("+asyncpg", "")
    return PostgreSQL(await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=SIZE, max_size=SIZE)))


async def _mysql(url: str, stack: AsyncExitStack) -> Operations:
    import aiomysql  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    where = {"host": parts.hostname, "port": parts.port, "user": parts.username, "db": parts.path[1:]}
    pool = await stack.enter_async_context(aiomysql.create_pool(**where, minsize=SIZE, maxsize=SIZE, autocommit=True))
    return Cursors(pool.acquire, "%s", "BEGIN")


async def _sqlite(url: str, stack: AsyncExitStack) -> Operations:
    import aiosqlite  # noqa: PLC0415 - as above

    idle: asyncio.Queue[Any] = asyncio.Queue()
    for _ in range(SIZE):
        path = url.partition("///")[2]
        idle.put_nowait(await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None)))

    @asynccontextmanager
    async def acquire() -> AsyncIterator[Any]:
        connection = await idle.get()
        try:
            yield connection
        finally:
            idle.put_nowait(connection)

    return Cursors(acquire, "?", "BEGIN IMMEDIATE")
