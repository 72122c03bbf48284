"""SQLite: a connection's thread that does not come back holds up nothing beyond its bound (contract C10)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.pool.errors import StatementInterrupted, WriterQueueTimeout
from myfy_data.engines.sqlite import thread as sqlite_thread
from myfy_data.errors import CommitOutcomeUnknown, SessionError
from tests.sqlite_ends import driver_of, file_connection, items, on_thread, run_out, stored

LONG = {"command_timeout": 600.0, "close_timeout": 0.2, "pool_size": 2}
"""Times that run out when a test says so; only closing is short, and what it leaves behind closes itself."""


class Gate:
    """Something that waits on the thread, and cannot be interrupted.

    Attributes:
        entered: set on the loop when the thread waits.
        driver: the connection that it belongs to.
        threads: those that have waited.
    """

    driver: Any = None

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

    def let_go(self) -> None:
        """Let the thread go on."""
        self._open.set()

    async def times_out(self) -> None:
        """Let the time of what the thread works on be over."""
        await self.entered.wait()
        assert not self._open.is_set()
        run_out(self.driver)

    async def open(self) -> None:
        """Let the threads go, and wait for their end."""
        self._open.set()
        for thread in self.threads:
            await asyncio.to_thread(thread.join)


@pytest.fixture
async def gate(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    """A gate; what was interrupted is abandoned at once."""
    monkeypatch.setattr(sqlite_thread, "INTERRUPT_GRACE", 0.0)
    gate = Gate()
    yield gate
    await gate.open()


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataModule]:
    async with items(tmp_path, **LONG) as data:
        yield data


async def a_function(driver: Any, session: AsyncSession, gate: Gate) -> None:
    await driver.create_function("wait", 0, gate.wait)
    await session.execute(text("INSERT INTO item SELECT wait()"))


async def a_function_by_the_driver(driver: Any, _session: AsyncSession, gate: Gate) -> None:
    await driver.create_function("wait", 0, gate.wait)
    await driver.execute_fetchall("SELECT wait()")


async def a_row_factory(driver: Any, _session: AsyncSession, gate: Gate) -> None:
    driver.row_factory = lambda _, row: (gate.wait(), row)
    await driver.execute_fetchall("SELECT 1")


async def a_dump(driver: Any, _session: AsyncSession, gate: Gate) -> None:
    await driver.set_trace_callback(gate.wait)
    _ = [line async for line in driver.iterdump()]


async def anything_else(driver: Any, _session: AsyncSession, gate: Gate) -> None:
    """As `load_extension` and blobs do, which aiosqlite runs in this way."""
    await on_thread(driver, gate.wait)


KINDS: dict[str, Callable[[Any, AsyncSession, Gate], Awaitable[None]]] = {
    "function": a_function,
    "driver": a_function_by_the_driver,
    "row factory": a_row_factory,
    "dump": a_dump,
    "anything": anything_else,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def block(data: DataModule, gate: Gate, kind: Any) -> None:
    """A session that writes, and comes to a thread that waits."""
    async with data.session() as session:
        await session.execute(text("INSERT INTO item VALUES (1)"))
        gate.driver = await driver_of(session)
        await kind(gate.driver, session, gate)


@every_kind
async def test_work_that_cannot_be_interrupted_ends_for_its_caller(data: DataModule, gate: Gate, kind: Any) -> None:
    task = asyncio.create_task(block(data, gate, kind))
    await gate.times_out()
    with pytest.raises((DBAPIError, sqlite3.OperationalError), match="interrupted"):
        await task

    assert data.pool_status().checked_out == 0
    assert await stored(data) == []


@every_kind
async def test_the_next_writer_has_its_turn_when_the_thread_is_back(data: DataModule, gate: Gate, kind: Any) -> None:
    task = asyncio.create_task(block(data, gate, kind))
    await gate.times_out()
    await asyncio.wait([task])

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
    task = asyncio.create_task(block(data, gate, a_function))
    await gate.times_out()
    with pytest.raises(StatementInterrupted) as caught:
        await task

    assert (caught.value.profile, caught.value.phase, caught.value.seconds) == ("main", "statement", 600.0)


async def test_a_turn_that_does_not_come_is_told(tmp_path: Path, gate: Gate) -> None:
    """The thread may hold SQLite's own lock: giving the turn away would only move the failure."""
    async with items(tmp_path, **LONG | {"pool_timeout": 0.1}) as data:
        task = asyncio.create_task(block(data, gate, a_function))
        await gate.times_out()
        await asyncio.wait([task])
        with pytest.raises(WriterQueueTimeout):
            async with data.session() as session:
                await session.execute(text("INSERT INTO item VALUES (2)"))


@every_kind
async def test_a_cancelled_block_ends_beside_the_thread(data: DataModule, gate: Gate, kind: Any) -> None:
    task = asyncio.create_task(block(data, gate, kind))
    await gate.entered.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert data.pool_status().checked_out == 0


async def test_sqlite_is_not_asked_while_the_thread_is_at_work(tmp_path: Path, gate: Gate) -> None:
    """SQLite 3.53 would wait for the thread, which waits for Python's lock: the whole process would hang."""
    async with items(tmp_path) as data, data.get_engine().connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.create_function("wait", 0, gate.wait)
        waiting = asyncio.create_task(driver.execute_fetchall("SELECT wait()"))
        await gate.entered.wait()

        assert driver.in_transaction
        gate.let_go()
        await waiting
        assert not driver.in_transaction


@every_kind
async def test_stopping_does_not_wait_for_the_thread(data: DataModule, gate: Gate, kind: Any) -> None:
    task = asyncio.create_task(block(data, gate, kind))
    await gate.entered.wait()
    await data.stop()
    await asyncio.wait([task])

    assert isinstance(task.exception(), DBAPIError | sqlite3.OperationalError | ValueError)


async def test_a_commit_without_an_answer_has_an_unknown_outcome(data: DataModule, gate: Gate) -> None:
    async def commits(driver: Any, _session: AsyncSession, gate: Gate) -> None:
        file_connection(driver).commit = gate.wait

    task = asyncio.create_task(block(data, gate, commits))
    await gate.times_out()
    with pytest.raises(CommitOutcomeUnknown):
        await task

    assert data.pool_status().checked_out == 0


async def test_a_roll_back_without_an_answer_ends(data: DataModule, gate: Gate) -> None:
    """The thread rolls back when it is back."""

    async def fails(driver: Any, _session: AsyncSession, gate: Gate) -> None:
        file_connection(driver).rollback = gate.wait
        raise LookupError

    task = asyncio.create_task(block(data, gate, fails))
    await gate.times_out()
    with pytest.raises(LookupError):
        await task
    await gate.open()

    assert data.pool_status().checked_out == 0
    assert await stored(data) == []


async def test_a_loop_may_end_before_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread closes the file, and reports to no loop."""
    monkeypatch.setattr(sqlite_thread, "INTERRUPT_GRACE", 0.0)
    gates: list[Gate] = []

    async def work() -> None:
        gates.append(Gate())
        async with items(tmp_path, **LONG) as data:
            task = asyncio.create_task(block(data, gates[0], a_function))
            await gates[0].times_out()
            await asyncio.wait([task])

    await asyncio.to_thread(lambda: asyncio.run(work()))
    await gates[0].open()

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


async def test_a_backup_is_of_one_moment(tmp_path: Path, target: sqlite3.Connection) -> None:
    """Several steps, and a writer between them: a copy that began anew each time might never end."""
    steps: list[int] = []
    async with items(tmp_path, pool_size=2) as data:
        async with data.session() as session:
            await session.execute(text("INSERT INTO big VALUES (zeroblob(20000000))"))

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
    tried, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        async with data.session(read_only=True) as session:
            driver = await driver_of(session)
            task = asyncio.create_task(driver.backup(target, progress=lambda *_: loop.call_soon_threadsafe(tried.set)))
            await tried.wait()
            run_out(driver)
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                await task
    finally:
        target.close()
        locked.close()
