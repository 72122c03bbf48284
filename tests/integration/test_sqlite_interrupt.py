"""A cancelled SQLite statement is interrupted wherever it is, and the file is free for others at once (H5)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_ends import file_connection, on_thread
from tests.sqlite_files import database_with_counter

ROWS = 30_000_000
"""Rows that the long write has: many seconds of work, so a test that waits for its end fails and does not hang."""

LONG_WRITE = f"""
INSERT INTO counter
WITH RECURSIVE n(i) AS (SELECT started() UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
SELECT max(i) + ended() FROM n
"""


@dataclass
class Writing:
    """A transaction that has written.

    Attributes:
        connection: SQLAlchemy's.
        driver: aiosqlite's.
        started: set when the long write runs.
        ended: set when it has come to its end, which no interrupted one does.
    """

    connection: AsyncConnection
    driver: Any
    started: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def long_write(self) -> None:
        await self.connection.exec_driver_sql(LONG_WRITE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", pool_timeout=PATIENCE, close_timeout=PATIENCE)
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as data:
        yield data


@asynccontextmanager
async def writing(data: DataModule) -> AsyncIterator[Writing]:
    """A transaction that has written, and whose database knows how to tell of the long write."""
    loop = asyncio.get_running_loop()

    def telling(happened: asyncio.Event) -> Callable[[], int]:
        return lambda: int(bool(loop.call_soon_threadsafe(happened.set)))

    async with data.get_engine().begin() as connection:
        write = Writing(connection, (await connection.get_raw_connection()).driver_connection)
        await write.driver.create_function("started", 0, telling(write.started))
        await write.driver.create_function("ended", 0, telling(write.ended))
        await connection.exec_driver_sql("UPDATE counter SET value = 7")
        yield write


async def running(data: DataModule) -> tuple[asyncio.Task[None], Writing]:
    """A task whose long write runs on the thread at this moment."""
    begun: asyncio.Future[Writing] = asyncio.get_running_loop().create_future()

    async def write() -> None:
        async with writing(data) as writes:
            begun.set_result(writes)
            await writes.long_write()

    task = asyncio.create_task(write())
    writes = await begun
    await writes.started.wait()
    return task, writes


def values(path: Path) -> list[int]:
    """What the file holds, asked by another connection, which takes the lock to write and does not wait."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        return [value for (value,) in connection.execute("SELECT value FROM counter")]
    finally:
        connection.close()


async def test_a_long_write_that_is_cancelled_frees_the_file(data: DataModule, path: Path) -> None:
    task, writes = await running(data)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        values(path)  # the control: the lock is held
    task.cancel()
    await asyncio.wait([task])

    assert (task.cancelled(), writes.ended.is_set()) == (True, False)
    assert values(path) == [0]
    assert data.pool_status().checked_out == 0


async def test_a_statement_that_was_cancelled_in_line_never_begins(data: DataModule, path: Path) -> None:
    """The thread does something else until the gate opens."""
    gate, began, in_line = threading.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def write() -> None:
        async with writing(data) as writes:
            writes.driver._tx.put_nowait((None, gate.wait))
            loop.call_soon(in_line.set)
            await on_thread(writes.driver, loop.call_soon_threadsafe, began.set)

    task = asyncio.create_task(write())
    await in_line.wait()
    task.cancel()
    await asyncio.sleep(0)  # the cancellation has been heard
    gate.set()
    await asyncio.wait([task])

    assert (began.is_set(), values(path)) == (False, [0])


async def test_a_statement_that_begins_just_after_its_cancellation_is_interrupted(data: DataModule, path: Path) -> None:
    """The thread has taken it up and SQLite does not run it yet: an interrupt at this moment reaches nothing."""
    gate, taken_up = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    ended: list[asyncio.Event] = []

    async def write() -> None:
        async with writing(data) as writes:
            ended.append(writes.ended)

            def late() -> None:
                loop.call_soon_threadsafe(taken_up.set)
                gate.wait()
                file_connection(writes.driver).execute(LONG_WRITE)

            await on_thread(writes.driver, late)

    task = asyncio.create_task(write())
    await taken_up.wait()
    task.cancel()
    await asyncio.sleep(0)  # the cancellation has been heard
    gate.set()
    await asyncio.wait([task])

    assert (task.cancelled(), ended[0].is_set()) == (True, False)
    assert values(path) == [0]


async def test_what_comes_after_a_cancelled_statement_is_not_interrupted(data: DataModule, path: Path) -> None:
    """A statement that ended as it was cancelled: the next one on the thread, a rollback or a close, is not its."""
    async with data.get_engine().connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        hits: list[str] = []
        driver.interrupt_now = lambda: hits.append("interrupt")
        task = asyncio.create_task(on_thread(driver, lambda: None))
        await asyncio.sleep(0)
        ended = threading.Event()
        driver._tx.put_nowait((None, ended.set))
        ended.wait()  # not awaited: the statement has ended on the thread, and the loop has not heard of it
        task.cancel()
        await asyncio.wait([task])

    assert hits == []


async def test_a_statement_beyond_its_time_is_interrupted_as_well(path: Path) -> None:
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", command_timeout=PATIENCE)
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as data:
        task, writes = await running(data)
        deadline_of(PATIENCE)()
        with pytest.raises(OperationalError, match="interrupted"):
            await task

        assert not writes.ended.is_set()
        assert values(path) == [0]


async def test_the_next_writer_has_its_turn(data: DataModule, path: Path) -> None:
    async def count() -> None:
        async with data.get_engine().begin() as connection:
            await connection.exec_driver_sql("UPDATE counter SET value = value + 1")

    task, writes = await running(data)
    waiting = asyncio.create_task(count())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task, waiting])

    assert (waiting.exception(), writes.ended.is_set()) == (None, False)
    assert values(path) == [1]
