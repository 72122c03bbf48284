"""A session that steps aside: for other tasks, beside other processes, while something else happens to it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.pool.errors import PoolExhausted, SelfDeadlock
from myfy_data.engines.sqlite import write_queue
from myfy_data.engines.sqlite.write_queue import writer_queue
from myfy_data.errors import TransactionEndedError
from myfy_data.retry.classify import Verdict, verdict_of
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_ends import file_connection
from tests.sqlite_files import database_with_counter, waiting_writers

ADD_ONE = text("UPDATE counter SET value = value + 1")
VALUE = text("SELECT value FROM counter")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    async with module(path) as data:
        yield data


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction steps aside as soon as it is idle."""
    monkeypatch.setattr(write_queue, "IDLE_GRACE", 0.0)


def module(path: Path, **settings: Any) -> DataModule:
    return DataModule(settings=DatabaseSettings(**{"database_url": f"sqlite:///{path}"} | settings))


async def value(session: AsyncSession) -> int:
    return int((await session.execute(VALUE)).scalar_one())


async def add_one(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(ADD_ONE)


async def stored(data: DataModule) -> int:
    async with data.session(read_only=True) as session:
        return await value(session)


def write_elsewhere(path: Path) -> None:
    """What another process may do at any time."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE counter SET value = value + 100")
    connection.close()


def behind_commit(driver: Any, act: Callable[[], object]) -> None:
    """Do something where a transaction that steps aside is not open for a moment."""
    connection = file_connection(driver)
    say = connection.say

    def say_and_act(statement: str) -> None:
        say(statement)
        if statement == "COMMIT":
            act()

    connection.say = say_and_act


async def driver_of(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


# -- for other tasks -----------------------------------------------------------------------------------------------


async def test_it_steps_aside_for_another_task_when_it_is_idle(data: DataModule) -> None:
    async with data.session() as outer:
        before = await value(outer)
        await asyncio.create_task(add_one(data))

        assert (before, await value(outer)) == (0, 0)
    assert await stored(data) == 1


async def test_a_task_of_a_group_that_it_waits_for_writes(data: DataModule) -> None:
    async with data.session() as outer, asyncio.TaskGroup() as group:
        await value(outer)
        for _ in range(3):
            group.create_task(add_one(data))

    assert await stored(data) == 3


@pytest.mark.usefixtures("no_grace")
async def test_one_that_has_written_stays(data: DataModule, path: Path) -> None:
    async with data.session() as outer:
        await outer.execute(ADD_ONE)
        other = asyncio.create_task(add_one(data))
        await waiting_writers(path, 1)
        for _ in range(50):
            await value(outer)
        waits = not other.done()
        await outer.execute(ADD_ONE)
    await other

    assert waits
    assert await stored(data) == 3


@pytest.mark.usefixtures("no_grace")
async def test_one_that_works_stays(data: DataModule, path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> int:
        begun.set()
        go_on.wait()
        return 1

    async with data.session() as outer:
        await (await driver_of(outer)).create_function("wait", 0, wait)
        await outer.rollback()
        working = asyncio.create_task(outer.execute(text("SELECT wait(), value FROM counter")))
        await asyncio.to_thread(begun.wait)
        other = asyncio.create_task(add_one(data))
        await waiting_writers(path, 1)
        for _ in range(50):
            await asyncio.sleep(0)
        waits = not other.done()
        go_on.set()
        assert (await working).one() == (1, 0)
        await other

    assert waits


async def test_a_loop_that_is_kept_busy_makes_no_transaction_idle(
    data: DataModule, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the loop could not do in time is done before the transaction is taken for idle."""
    async with data.session() as outer:
        await value(outer)
        other = asyncio.create_task(add_one(data))
        await waiting_writers(path, 1)
        queue, holder = writer_queue(str(path)), await driver_of(outer)
        holder.idle_since = -1000.0
        queue.look(3)
        await asyncio.sleep(0)
        await outer.execute(ADD_ONE)
        assert not other.done()
    await other

    assert await stored(data) == 2


@pytest.mark.usefixtures("no_grace")
async def test_many_tasks_that_read_and_then_write_lose_no_update(path: Path) -> None:
    async with module(path, pool_size=3, max_overflow=2) as data:

        async def add() -> None:
            async with data.session() as session:
                seen = await value(session)
                await asyncio.to_thread(lambda: None)
                await session.execute(text("UPDATE counter SET value = :value"), {"value": seen + 1})

        ends = await asyncio.gather(*(add() for _ in range(32)), return_exceptions=True)
        failures = [end for end in ends if end is not None]

        assert await stored(data) == 32 - len(failures) > 0
        assert {verdict_of(failure) for failure in failures if failure} <= {Verdict.CONFLICT}


async def test_one_that_stepped_aside_goes_before_one_that_waits_for_its_connection(path: Path) -> None:
    """The pool is empty: the one has a connection and waits for the turn, the other the turn and waits for one."""
    async with module(path, pool_size=3, max_overflow=0) as data:
        reads = {"read_only": True}
        async with data.session() as aside, data.session(**reads) as reader, data.session(**reads) as late:
            await value(aside)
            async with data.session() as writer:
                await writer.execute(ADD_ONE)
                other = asyncio.create_task(add_one(data))
                await waiting_writers(path, 1)
                await value(reader)
                reading = asyncio.create_task(value(late))
                while data.pool_status().waiting == 0:
                    await asyncio.sleep(0)
                writing = asyncio.create_task(aside.execute(ADD_ONE))
                await waiting_writers(path, 2)
            assert await reading == 1
            with pytest.raises(TransactionEndedError):
                await writing
            await aside.rollback()
            await other

        assert await stored(data) == 2


# -- beside another process ----------------------------------------------------------------------------------------


async def test_another_process_that_writes_in_between_ends_the_session(data: DataModule, path: Path) -> None:
    async with data.session() as outer:
        await value(outer)
        behind_commit(await driver_of(outer), lambda: write_elsewhere(path))
        await add_one(data)
        with pytest.raises(TransactionEndedError) as caught:
            await value(outer)
        await outer.rollback()

        assert verdict_of(caught.value) is Verdict.CONFLICT
        assert await value(outer) == 101


async def test_another_process_that_writes_later_is_never_written_over(data: DataModule, path: Path) -> None:
    with pytest.raises(TransactionEndedError) as caught:
        async with data.session() as outer:
            await value(outer)
            async with data.session() as inner:
                await value(inner)
            write_elsewhere(path)
            assert await value(outer) == 0
            await outer.execute(ADD_ONE)

    assert verdict_of(caught.value) is Verdict.CONFLICT
    assert await stored(data) == 100


async def test_another_process_that_is_writing_is_told_as_one(path: Path) -> None:
    async with module(path, sqlite={"busy_timeout": 0.01}) as data:
        other = sqlite3.connect(path, isolation_level=None)
        with pytest.raises(TransactionEndedError, match="locked") as caught:
            async with data.session() as outer:
                await value(outer)
                async with data.session() as inner:
                    await value(inner)
                other.execute("BEGIN IMMEDIATE")
                try:
                    await outer.execute(ADD_ONE)
                finally:
                    other.close()

        assert verdict_of(caught.value) is Verdict.CONFLICT
        await add_one(data)


# -- while something else happens ----------------------------------------------------------------------------------


async def commit(session: AsyncSession) -> None:
    await session.commit()


async def roll_back(session: AsyncSession) -> None:
    await session.rollback()


async def close(session: AsyncSession) -> None:
    await session.close()


async def read(session: AsyncSession) -> None:
    assert await value(session) == 0


async def write(session: AsyncSession) -> None:
    await session.execute(ADD_ONE)
    await session.rollback()


async def invalidate(session: AsyncSession) -> None:
    await session.invalidate()


async def test_a_session_that_another_process_ends_while_it_steps_aside_is_not_committed(
    data: DataModule, path: Path
) -> None:
    async with data.session() as outer:
        await value(outer)
        driver = await driver_of(outer)
        behind_commit(driver, lambda: write_elsewhere(path))
        driver.step_aside()
        with pytest.raises(TransactionEndedError):
            await outer.commit()


@pytest.mark.parametrize("act", [commit, roll_back, close, read, write, invalidate])
async def test_what_comes_while_it_steps_aside_waits_for_that(
    data: DataModule, act: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    between, go_on = threading.Event(), threading.Event()
    outer = data.get_session_factory().create_session()
    await value(outer)
    driver = await driver_of(outer)

    def stop_there() -> None:
        between.set()
        go_on.wait()

    behind_commit(driver, stop_there)
    driver.step_aside()
    await asyncio.to_thread(between.wait)
    acting = asyncio.create_task(act(outer))
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()
    await acting
    await outer.close()
    await add_one(data)

    assert await stored(data) == 1


async def test_a_waiter_that_is_cancelled_meanwhile_leaves_the_turn_free(data: DataModule, path: Path) -> None:
    async with data.session() as outer:
        await value(outer)
        other = asyncio.create_task(add_one(data))
        await waiting_writers(path, 1)
        (await driver_of(outer)).step_aside()
        other.cancel()
        await asyncio.wait([other])
        await outer.execute(ADD_ONE)
    await add_one(data)

    assert await stored(data) == 2


async def test_one_that_is_cancelled_while_it_waits_again_leaves_the_queue(data: DataModule, path: Path) -> None:
    async def read_then_write() -> None:
        async with data.session() as session:
            await value(session)
            async with data.session() as inner:
                await value(inner)
            waiting.set()
            await go_on.wait()
            await session.execute(ADD_ONE)

    waiting, go_on = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(read_then_write())
    await waiting.wait()
    async with data.session() as other:
        await other.execute(ADD_ONE)
        go_on.set()
        await waiting_writers(path, 1)
        task.cancel()
        await asyncio.wait([task])
    await add_one(data)

    assert await stored(data) == 2


async def test_a_turn_that_does_not_come_again_is_told_as_one(path: Path) -> None:
    async with module(path, pool_timeout=PATIENCE) as data, data.session() as outer:
        await value(outer)
        async with data.session() as inner:
            await value(inner)
        other = await data.get_engine().connect()
        await asyncio.create_task(_write(other))
        writing = asyncio.create_task(_write(outer))
        await waiting_writers(path, 1)
        deadline_of(PATIENCE)()
        with pytest.raises(PoolExhausted, match="no turn to write"):
            await writing
        await other.close()
        await outer.rollback()
        await outer.execute(ADD_ONE)


async def _write(connection: Any) -> None:
    await connection.execute(ADD_ONE)


# -- where a reader holds a writer up ------------------------------------------------------------------------------


async def test_without_wal_a_task_that_waits_for_itself_is_told_at_once(path: Path) -> None:
    async with module(path, sqlite={"journal_mode": "delete"}) as data:
        async with data.session() as outer:
            await value(outer)
            with pytest.raises(SelfDeadlock, match="journal_mode"):
                await add_one(data)
        await add_one(data)

        assert await stored(data) == 1
