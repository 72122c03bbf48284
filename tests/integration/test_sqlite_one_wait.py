"""However often a SQLite writer waits for its turn and for a connection, it waits for `pool_timeout` in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS
from myfy_data.engines.pool.errors import PoolExhausted, WriterQueueTimeout
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_files import counted, database_with_counter, increment, opened, waiting_writers

POOL_TIMEOUT = 100.0
PART = 60.0
"""Seconds of one wait: two of them are too long, and what would be left of the second is more than `PATIENCE`."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    """One connection."""
    async with opened(path, pool_size=1, max_overflow=0, pool_timeout=POOL_TIMEOUT) as engine:
        yield engine


async def write(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await increment(connection)


async def until_one_waits_for_a_connection(engine: AsyncEngine) -> None:
    while engine.pool.waiting == 0:  # type: ignore[attr-defined]  # our pool
        await asyncio.sleep(0)


async def error_of(task: asyncio.Task[None]) -> PoolExhausted:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PoolExhausted) as caught:
            await task
    return caught.value


async def test_for_its_turn_then_for_a_connection(path: Path, engine: AsyncEngine) -> None:
    await write(engine)  # so that the pool knows the queue
    pass_a_part = deadline_of(PART)
    reading = engine.execution_options(**READ_ONLY_OPTIONS)
    async with opened(path) as other, other.begin() as first, reading.connect():
        task = asyncio.create_task(write(engine))
        await waiting_writers(path, 1)
        pass_a_part()
        await first.rollback()
        await until_one_waits_for_a_connection(engine)
        pass_a_part()

        error = await error_of(task)

    assert not isinstance(error, WriterQueueTimeout)
    assert error.waited > POOL_TIMEOUT
    await write(engine)


async def test_for_a_connection_then_for_its_turn(path: Path, engine: AsyncEngine) -> None:
    pass_a_part = deadline_of(PART)
    async with opened(path) as other, other.connect() as first:
        async with engine.execution_options(**READ_ONLY_OPTIONS).connect():
            task = asyncio.create_task(write(engine))
            await until_one_waits_for_a_connection(engine)
            pass_a_part()
            await first.begin()
            await first.execute(text("SELECT 1"))
        await waiting_writers(path, 1)
        pass_a_part()

        assert isinstance(await error_of(task), WriterQueueTimeout)
        await first.rollback()
    await write(engine)


async def test_for_its_turn_and_for_a_turn_that_it_lent(path: Path) -> None:
    pass_a_part = deadline_of(PART)
    async with (
        opened(path, pool_size=2, max_overflow=0, pool_timeout=POOL_TIMEOUT) as engine,
        opened(path) as other,
        engine.connect() as kept,
    ):
        await (await kept.get_raw_connection()).driver_connection.execute("SELECT 1")
        async with other.begin() as first:
            without = asyncio.create_task(write(engine))
            await waiting_writers(path, 1)
            holding = asyncio.create_task(increment(kept))
            await waiting_writers(path, 2)
            async with engine.execution_options(**READ_ONLY_OPTIONS).connect():
                pass_a_part()
                await first.rollback()
                await holding
            await waiting_writers(path, 1)
            pass_a_part()

            assert isinstance(await error_of(without), WriterQueueTimeout)
        await kept.commit()

    assert await counted(path) == 1


async def test_what_a_connection_waited_for_counts_for_its_first_transaction_alone(
    path: Path, engine: AsyncEngine
) -> None:
    pass_a_part = deadline_of(PART)

    async def write_twice(between: asyncio.Event, go_on: asyncio.Event) -> None:
        async with engine.connect() as connection:
            await increment(connection)
            await connection.commit()
            between.set()
            await go_on.wait()
            await increment(connection)
            await connection.commit()

    between, go_on = asyncio.Event(), asyncio.Event()
    async with engine.execution_options(**READ_ONLY_OPTIONS).connect():
        task = asyncio.create_task(write_twice(between, go_on))
        await until_one_waits_for_a_connection(engine)
        pass_a_part()
    await between.wait()
    async with opened(path) as other:
        async with other.begin() as first:
            go_on.set()
            await waiting_writers(path, 1)
            pass_a_part()
            await increment(first)
        await task

    assert await counted(path) == 3


# -- a connection that is waited for is none that was lost ---------------------------------------------------------


@pytest.fixture
async def awaited(path: Path) -> AsyncIterator[tuple[AsyncConnection, AsyncConnection]]:
    """One that has the turn, and one that was made meanwhile and not used."""
    async with opened(path) as engine:
        await write(engine)
        async with engine.begin() as first, engine.connect() as second:
            yield first, second


async def test_a_connection_that_is_made_while_the_turn_is_taken_is_not_invalidated(
    awaited: tuple[AsyncConnection, AsyncConnection],
) -> None:
    first, second = awaited

    assert (second.invalidated, second.closed) == (False, False)
    await first.rollback()
    await increment(second)
    assert (second.invalidated, second.closed) == (False, False)
    await second.rollback()


async def test_its_user_may_invalidate_it(awaited: tuple[AsyncConnection, AsyncConnection]) -> None:
    first, second = awaited
    await second.invalidate()

    assert second.invalidated
    await first.rollback()
    await increment(second)
    assert not second.invalidated


async def test_closed_it_is_closed(awaited: tuple[AsyncConnection, AsyncConnection]) -> None:
    _, second = awaited
    await second.close()

    assert (second.invalidated, second.closed) == (False, True)


async def test_one_that_waited_in_vain_has_lost_none(path: Path) -> None:
    async with opened(path, pool_timeout=0.05) as engine, engine.begin() as first:
        await increment(first)
        async with engine.connect() as second:
            await error_of(asyncio.create_task(increment(second)))

            assert not second.invalidated
            await first.rollback()
            await increment(second)


async def test_detached_it_keeps_its_connection_while_it_waits(
    path: Path, awaited: tuple[AsyncConnection, AsyncConnection]
) -> None:
    first, second = awaited
    await second.run_sync(lambda connection: connection.detach())
    driver = (await second.get_raw_connection()).driver_connection
    waiting = asyncio.create_task(increment(second))
    await waiting_writers(path, 1)
    await first.rollback()
    await waiting

    assert (await second.get_raw_connection()).driver_connection is driver
    await second.rollback()


async def test_one_that_was_invalidated_cannot_be_detached(awaited: tuple[AsyncConnection, AsyncConnection]) -> None:
    _, second = awaited
    await second.invalidate()

    with pytest.raises(InvalidRequestError, match="invalidated"):
        await second.run_sync(lambda connection: connection.detach())
