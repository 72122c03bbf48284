"""What is said to the thread of a SQLite connection: as few messages as can be, and all that they promise."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.sqlite.cursor import PREFETCH
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_ends import file_connection
from tests.sqlite_files import SLOW, counted, database_with_counter, increment, opened


class Base(DeclarativeBase):
    """The tables."""


class Counter(Base):
    """A number."""

    __tablename__ = "numbers"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a counter at 0, and a table of numbers."""
    file = database_with_counter(tmp_path)
    connection = sqlite3.connect(file)
    connection.executescript(
        "CREATE TABLE numbers (id INTEGER PRIMARY KEY, value INTEGER); INSERT INTO numbers VALUES (1, 1)"
    )
    connection.close()
    return file


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    """A module with one connection."""
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", pool_size=1, max_overflow=0)
    async with DataModule(settings=settings) as data:
        yield data


class Counting:
    """The queue of a connection's thread, counted."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.messages = 0

    def put_nowait(self, message: Any) -> None:
        self.messages += 1
        self._queue.put_nowait(message)


async def driver_of(engine: AsyncEngine) -> Any:
    """The driver's connection, which is the only one of the pool."""
    async with engine.connect() as connection:
        return (await connection.get_raw_connection()).driver_connection


async def counting(engine: AsyncEngine) -> Counting:
    driver = await driver_of(engine)
    driver._tx = Counting(driver._tx)
    return driver._tx


async def read(session: AsyncSession) -> None:
    await session.get_one(Counter, 1)


async def insert(session: AsyncSession) -> None:
    session.add(Counter(value=2))


async def change(session: AsyncSession) -> None:
    (await session.scalars(select(Counter))).one().value += 1


async def nothing(_session: AsyncSession) -> None:
    pass


@pytest.mark.parametrize(
    ("work", "read_only", "messages"),
    [
        (read, False, 2),
        (insert, False, 2),
        (change, False, 3),
        (read, True, 2),
        (nothing, False, 0),
        (nothing, True, 0),
    ],
)
async def test_a_unit_of_work_sends_no_message_too_many(
    data: DataModule, work: Callable[[AsyncSession], Any], read_only: bool, messages: int
) -> None:
    """BEGIN, each statement with its rows, COMMIT; a reader's BEGIN goes with its first statement."""
    async with data.session(read_only=read_only) as session:  # SQLAlchemy compiles, and query_only is set
        await work(session)
    queue = await counting(data.get_engine())

    async with data.session(read_only=read_only) as session:
        await work(session)

    assert queue.messages == messages


async def test_a_reader_and_a_writer_in_turns_need_no_message_for_the_change(data: DataModule) -> None:
    queue = await counting(data.get_engine())

    for read_only in (True, False, True, False):
        async with data.session(read_only=read_only) as session:
            await read(session)

    assert queue.messages == 2 + 2 + 2 + 2


async def test_a_reader_that_begins_and_asks_nothing_sends_nothing(path: Path) -> None:
    async with opened(path, read_only=True, pool_size=1, max_overflow=0) as engine:
        queue = await counting(engine)
        async with engine.begin():
            pass

        assert queue.messages == 0


@pytest.mark.parametrize(("rows", "messages"), [(PREFETCH - 1, 0), (PREFETCH + 1, 1)])
async def test_a_cursor_is_closed_on_the_thread_only_when_rows_may_be_left(
    data: DataModule, rows: int, messages: int
) -> None:
    """The thread alone may end a statement: outside it the loop would wait for SQLite."""
    driver = await driver_of(data.get_engine())
    cursor = driver.cursor()
    await cursor.execute(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n"
    )
    queue = await counting(data.get_engine())

    await cursor.close()

    assert queue.messages == messages


async def test_no_listener_of_an_engine_on_a_file_costs_its_connections(data: DataModule) -> None:
    """SQLAlchemy joins an engine's listeners anew for each connection as soon as there is one."""
    assert data.get_engine().sync_engine._has_events is False


# -- a reader's transaction is one -----------------------------------------------------------------------------


async def test_a_reader_sees_one_snapshot(path: Path) -> None:
    await counted(path)  # from now on its journal is WAL
    async with opened(path, read_only=True) as reading, opened(path) as writing, reading.connect() as connection:
        before = (await connection.execute(text("SELECT value FROM counter"))).scalar_one()
        async with writing.begin() as other:
            await increment(other)
        after = (await connection.execute(text("SELECT value FROM counter"))).scalar_one()

    assert (before, after, await counted(path)) == (0, 0, 1)


async def test_a_driver_that_is_used_without_sqlalchemy_may_write_after_a_reader(data: DataModule, path: Path) -> None:
    async with data.session(read_only=True) as session:
        await read(session)
    driver = await driver_of(data.get_engine())
    await driver.execute("UPDATE counter SET value = 5")

    assert await counted(path) == 5


async def test_a_reader_whose_begin_fails_begins_with_the_next_statement(path: Path) -> None:
    async with opened(path, read_only=True, pool_size=1) as engine, engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        begin, file_connection(driver).begin = file_connection(driver).begin, _failing
        with pytest.raises(sqlite3.OperationalError):
            driver.begin_reading()
            await driver.execute("SELECT 1")
        file_connection(driver).begin = begin
        await connection.execute(text("SELECT value FROM counter"))

        assert driver.in_transaction


def _failing(_statement: str) -> None:
    raise sqlite3.OperationalError("disk I/O error")


# -- the timer -------------------------------------------------------------------------------------------------


async def test_a_statement_after_an_idle_time_has_its_deadline_too(path: Path) -> None:
    """The timer of the connection has gone off meanwhile, and found nothing to interrupt."""
    run_out = deadline_of(PATIENCE)
    async with opened(path, command_timeout=PATIENCE, pool_size=1, max_overflow=0) as engine:
        driver = await driver_of(engine)
        await driver.execute("SELECT 1")
        run_out()
        while driver.next_look is not None:
            await asyncio.sleep(0)
        slow = asyncio.create_task(driver.execute(SLOW))
        await asyncio.sleep(0)  # it is on its way, and has its deadline
        run_out()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            await slow


async def test_one_timer_serves_all_statements(data: DataModule) -> None:
    driver = await driver_of(data.get_engine())
    await driver.execute("SELECT 1")
    look = driver.next_look

    await driver.execute("SELECT 1")

    assert look is not None
    assert driver.next_look == look


async def test_a_closed_connection_leaves_no_timer(data: DataModule) -> None:
    driver = await driver_of(data.get_engine())
    await driver.execute("SELECT 1")

    await driver.close()

    assert driver.next_look is None
