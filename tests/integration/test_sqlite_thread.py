"""SQLite: a connection's thread that does not come back holds up nothing beyond its bound (contract C10)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.errors import StatementInterrupted, WriterQueueTimeout
from myfy_data.errors import CommitOutcomeUnknown, SessionError
from tests.sqlite_ends import driver_of, items, stored

SHORT = {"command_timeout": 0.2, "close_timeout": 0.2, "pool_size": 2}


class Gate:
    """Something that waits on the thread, and cannot be interrupted.

    Attributes:
        entered: set on the loop when the thread waits.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open = threading.Event()
        self.entered = asyncio.Event()
        self.threads: list[threading.Thread] = []

    def wait(self, *_: object) -> int:
        if not self._open.is_set():
            self.threads.append(threading.current_thread())
            self._loop.call_soon_threadsafe(self.entered.set)
            self._open.wait()
        return 1

    async def open(self) -> None:
        """Let the threads go, and wait for their end."""
        self._open.set()
        for thread in self.threads:
            await asyncio.to_thread(thread.join)


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    gate = Gate()
    yield gate
    await gate.open()


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataModule]:
    async with items(tmp_path, **SHORT) as data:
        yield data


async def a_function(session: AsyncSession, gate: Gate) -> None:
    await (await driver_of(session)).create_function("wait", 0, gate.wait)
    await session.execute(text("INSERT INTO item SELECT wait()"))


async def a_function_by_the_driver(session: AsyncSession, gate: Gate) -> None:
    driver = await driver_of(session)
    await driver.create_function("wait", 0, gate.wait)
    await driver.execute_fetchall("SELECT wait()")


async def a_row_factory(session: AsyncSession, gate: Gate) -> None:
    driver = await driver_of(session)
    driver.row_factory = lambda _, row: (gate.wait(), row)
    await driver.execute_fetchall("SELECT 1")


async def a_dump(session: AsyncSession, gate: Gate) -> None:
    driver = await driver_of(session)
    await driver.set_trace_callback(gate.wait)
    _ = [line async for line in driver.iterdump()]


async def anything_else(session: AsyncSession, gate: Gate) -> None:
    """As `load_extension` and blobs do, which aiosqlite runs in this way."""
    await (await driver_of(session))._execute(gate.wait)


KINDS: dict[str, Callable[[AsyncSession, Gate], Awaitable[None]]] = {
    "function": a_function,
    "driver": a_function_by_the_driver,
    "row factory": a_row_factory,
    "dump": a_dump,
    "anything": anything_else,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
async def test_work_that_cannot_be_interrupted_ends_for_its_caller(data: DataModule, gate: Gate, kind: Any) -> None:
    with pytest.raises((DBAPIError, sqlite3.OperationalError), match="interrupted"):
        async with data.session() as session:
            await kind(session, gate)

    assert data.pool_status().checked_out == 0
    assert not gate._open.is_set()
    assert await stored(data) == []


@every_kind
async def test_the_next_writer_has_its_turn_when_the_thread_is_back(data: DataModule, gate: Gate, kind: Any) -> None:
    with suppress(DBAPIError, sqlite3.OperationalError):
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            await kind(session, gate)

    async def write() -> None:
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (2)"))

    writing = asyncio.create_task(write())
    await stored(data)  # readers go on meanwhile
    waits = not writing.done()
    await gate.open()
    await writing

    assert waits
    assert await stored(data) == [2]


async def test_a_statement_is_told_as_interrupted(data: DataModule, gate: Gate) -> None:
    with pytest.raises(StatementInterrupted) as caught:
        async with data.session() as session:
            await a_function(session, gate)

    assert (caught.value.profile, caught.value.phase, caught.value.seconds) == ("main", "statement", 0.2)


async def test_a_turn_that_does_not_come_is_told(tmp_path: Path, gate: Gate) -> None:
    """The thread may hold SQLite's own lock: who gave the turn away would only move the failure."""
    async with items(tmp_path, **SHORT | {"pool_timeout": 0.1}) as data:
        with suppress(DBAPIError):
            async with data.session() as session:
                await a_function(session, gate)
        with pytest.raises(WriterQueueTimeout):
            async with data.session() as session:
                await session.execute(text("INSERT INTO item VALUES (2)"))


@every_kind
async def test_a_cancelled_block_ends_beside_the_thread(tmp_path: Path, gate: Gate, kind: Any) -> None:
    async with items(tmp_path, close_timeout=0.2) as data:

        async def work() -> None:
            async with data.session() as session:
                await kind(session, gate)

        task = asyncio.create_task(work())
        await gate.entered.wait()
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert data.pool_status().checked_out == 0


@every_kind
async def test_stopping_does_not_wait_for_the_thread(tmp_path: Path, gate: Gate, kind: Any) -> None:
    async with items(tmp_path, close_timeout=0.2) as data:

        async def work() -> None:
            async with data.session() as session:
                await kind(session, gate)

        task = asyncio.create_task(work())
        await gate.entered.wait()
        await data.stop()
        await asyncio.wait([task])

        assert isinstance(task.exception(), DBAPIError | sqlite3.OperationalError | ValueError)


async def test_a_commit_without_an_answer_has_an_unknown_outcome(data: DataModule, gate: Gate) -> None:
    with pytest.raises(CommitOutcomeUnknown):
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            plain = (await driver_of(session))._conn
            plain.commit = gate.wait

    assert data.pool_status().checked_out == 0


async def test_a_roll_back_without_an_answer_ends(data: DataModule, gate: Gate) -> None:
    """The thread rolls back when it is back."""
    with pytest.raises(LookupError):
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            plain = (await driver_of(session))._conn
            plain.rollback = gate.wait
            raise LookupError
    await gate.open()

    assert data.pool_status().checked_out == 0
    assert await stored(data) == []


async def test_a_loop_may_end_before_the_thread(tmp_path: Path) -> None:
    """The thread closes the file, and reports to nobody."""
    opened, gates = threading.Event(), list[threading.Thread]()

    def wait() -> int:
        gates.append(threading.current_thread())
        return int(opened.wait())

    async def work() -> None:
        async with items(tmp_path, **SHORT) as data:
            with suppress(DBAPIError):
                async with data.session() as session:
                    await (await driver_of(session)).create_function("wait", 0, wait)
                    await session.execute(text("INSERT INTO item SELECT wait()"))

    await asyncio.to_thread(lambda: asyncio.run(work()))
    opened.set()
    for thread in gates:
        await asyncio.to_thread(thread.join)

    async with DataModule(settings=DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db")) as data:
        assert await stored(data) == []


# -- backup ----------------------------------------------------------------------------------------------------


@pytest.fixture
def target() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    yield connection
    connection.close()


async def write_one(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("INSERT INTO item VALUES (1)"))


async def test_a_backup_in_a_session_that_may_write_is_refused(data: DataModule, target: sqlite3.Connection) -> None:
    with pytest.raises(SessionError, match=r"read_only=True"):
        async with data.session() as session:
            await (await driver_of(session)).backup(target)

    await write_one(data)  # nothing is left


@pytest.mark.parametrize("options", [{}, {"pages": 1}])
async def test_a_backup_in_a_session_that_reads_is_a_copy(
    data: DataModule, target: sqlite3.Connection, options: dict[str, int]
) -> None:
    await write_one(data)
    async with data.session(read_only=True) as session:
        await (await driver_of(session)).backup(target, **options)

    assert target.execute("SELECT id FROM item").fetchall() == [(1,)]


async def test_a_backup_before_anything_has_begun_is_a_copy(data: DataModule, target: sqlite3.Connection) -> None:
    await write_one(data)
    steps: list[int] = []
    async with data.get_engine().connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.backup(target, pages=1, progress=lambda _status, remaining, _total: steps.append(remaining))

    assert target.execute("SELECT id FROM item").fetchall() == [(1,)]
    assert steps[-1] == 0


async def test_a_backup_is_of_one_moment(data: DataModule, target: sqlite3.Connection) -> None:
    """Several steps, and a writer between them: a copy that began anew each time might never end."""
    async with data.session() as session:
        await session.execute(text("INSERT INTO big VALUES (zeroblob(20000000))"))
    steps: list[int] = []

    async with data.session() as writer, data.session(read_only=True) as session:
        await writer.execute(text("INSERT INTO item VALUES (1)"))
        driver = await driver_of(session)
        loop = asyncio.get_running_loop()

        def between(_status: int, remaining: int, _total: int) -> None:
            steps.append(remaining)
            if len(steps) == 1:
                asyncio.run_coroutine_threadsafe(writer.commit(), loop).result()

        await driver.backup(target, progress=between)

    assert target.execute("SELECT count(*) FROM item").fetchone() == (0,)
    assert len(steps) > 2
    assert steps == sorted(steps, reverse=True)


async def test_a_backup_whose_target_is_locked_is_given_up(data: DataModule, tmp_path: Path) -> None:
    locked = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    target = sqlite3.connect(tmp_path / "copy.db", check_same_thread=False, timeout=0)
    try:
        async with data.session(read_only=True) as session:
            driver = await driver_of(session)
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                await driver.backup(target)

            assert not driver.is_abandoned
    finally:
        target.close()
        locked.close()
