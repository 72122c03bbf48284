"""First come, first served; and nothing that was handed over is ever lost."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import greenlet_spawn

from myfy_data.engines.pool.errors import PoolExhausted
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import build_status

LONG = 60.0
"""Seconds that no test waits, unless something is wrong."""


class Driver:
    """A driver connection without a server."""

    is_closed = False

    def rollback(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Source:
    """Opens driver connections; one by one when it is told to wait, and not at all when it is told to fail."""

    opened: list[Driver] = field(default_factory=list)
    failures: int = 0
    gate: asyncio.Event | None = None

    def __call__(self) -> Any:
        if self.gate is not None:
            await_only(self.gate.wait())
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError
        self.opened.append(Driver())
        return self.opened[-1]


def pool_of(source: Source, size: int = 1, overflow: int = 0, timeout: float = LONG) -> BoundedPool:
    return BoundedPool(source, pool_size=size, max_overflow=overflow, timeout=timeout)


async def check_out(pool: BoundedPool) -> Any:
    return await greenlet_spawn(pool.connect)


async def give_back(connection: Any) -> None:
    await greenlet_spawn(connection.close)


async def turns() -> None:
    """Let every task that can go on go on until it waits again."""
    for _ in range(10):
        await asyncio.sleep(0)


def waiter(pool: BoundedPool) -> asyncio.Task[Any]:
    return asyncio.ensure_future(check_out(pool))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def unlogged(caplog: pytest.LogCaptureFixture) -> None:
    """A record of a log keeps its exception's traceback, and with that what the exception refers to."""
    caplog.set_level(logging.CRITICAL + 1, BoundedPool.__module__)


async def test_those_who_wait_are_served_in_the_order_of_asking(source: Source) -> None:
    pool, served = pool_of(source, size=2), []

    async def work(number: int) -> None:
        connection = await check_out(pool)
        served.append(number)
        await asyncio.sleep(0)
        await give_back(connection)

    await asyncio.gather(*(work(number) for number in range(20)))

    assert served == list(range(20))


async def test_a_task_that_gives_back_and_asks_again_stands_behind_those_who_wait(source: Source) -> None:
    pool, served = pool_of(source), []

    async def greedy() -> None:
        for _ in range(3):  # without giving up the loop in between
            connection = await check_out(pool)
            served.append("greedy")
            await give_back(connection)

    async def patient() -> None:
        connection = await check_out(pool)
        served.append("patient")
        await give_back(connection)

    connection = await check_out(pool)
    tasks = [asyncio.ensure_future(greedy()), asyncio.ensure_future(patient())]
    await turns()
    await give_back(connection)
    await asyncio.gather(*tasks)

    assert served == ["greedy", "patient", "greedy", "greedy"]


async def test_what_was_handed_over_is_not_idle_for_somebody_else(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    first = waiter(pool)
    await turns()
    await give_back(connection)  # handed over; the waiter has not run yet

    second = waiter(pool)
    await turns()

    assert (first.done(), second.done(), pool.checkedin()) == (True, False, 0)
    await give_back(await first)
    await give_back(await second)


async def test_those_who_wait_are_counted(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    tasks = [waiter(pool) for _ in range(3)]
    await turns()
    assert build_status("main", 1, [pool]).waiting == 3
    assert pool.is_exhausted

    tasks[1].cancel()
    await turns()
    assert pool.waiting == 2
    await give_back(connection)
    for task in (tasks[0], tasks[2]):
        await give_back(await task)

    assert (pool.waiting, pool.checkedout(), pool.is_exhausted) == (0, 0, False)


async def test_a_connection_that_was_handed_to_a_cancelled_task_goes_to_the_next(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    first, second = waiter(pool), waiter(pool)
    await turns()
    await give_back(connection)  # handed to the first ...
    first.cancel()  # ... which is cancelled before it runs
    await turns()

    assert first.cancelled()
    await give_back(await second)
    assert (pool.checkedout(), pool.checkedin(), len(source.opened)) == (0, 1, 1)


async def test_a_task_that_was_cancelled_while_it_waits_is_passed_over(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    first, second = waiter(pool), waiter(pool)
    await turns()
    first.cancel()  # its task has not run yet when ...
    await give_back(connection)  # ... the connection comes back

    await give_back(await second)
    assert first.cancelled()
    assert (pool.checkedout(), pool.waiting) == (0, 0)


async def test_the_place_of_a_connection_that_failed_to_open_goes_to_the_longest_waiter(source: Source) -> None:
    source.gate, source.failures = asyncio.Event(), 1
    pool = pool_of(source)
    opening = waiter(pool)
    await turns()
    first, second = waiter(pool), waiter(pool)
    await turns()
    source.gate.set()

    with pytest.raises(ConnectionRefusedError):
        await opening
    await give_back(await first)
    await give_back(await second)
    assert len(source.opened) == 1


async def test_a_place_that_was_handed_to_a_cancelled_task_goes_to_the_next(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    first, second = waiter(pool), waiter(pool)
    await turns()
    pool._dec_overflow()  # a place became free; it is the first one's
    first.cancel()
    await turns()

    given = await second
    assert given.dbapi_connection is not connection.dbapi_connection
    assert pool.overflow() == 0  # one place of one is taken
    await asyncio.gather(give_back(connection), give_back(given))


async def test_a_waiter_that_is_cancelled_while_it_opens_its_connection_frees_the_place(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    first, second = waiter(pool), waiter(pool)
    await turns()
    source.gate = asyncio.Event()
    pool._dec_overflow()
    await turns()  # the first one opens a connection
    first.cancel()
    await turns()
    source.gate.set()

    given = await second
    assert (pool.overflow(), pool.waiting) == (0, 0)
    await asyncio.gather(give_back(connection), give_back(given))


async def test_who_waits_in_vain_is_told_so_and_nothing_is_lost(source: Source) -> None:
    pool = pool_of(source, timeout=0.01)
    pool.profile = "main"
    connection = await check_out(pool)

    with pytest.raises(PoolExhausted, match="profile 'main': no connection became free"):
        await check_out(pool)

    assert pool.waiting == 0
    await give_back(connection)
    await give_back(await check_out(pool))
    assert (pool.checkedout(), len(source.opened)) == (0, 1)


async def test_no_one_waits_where_there_is_no_limit(source: Source) -> None:
    pool = pool_of(source, overflow=-1)

    connections = [await check_out(pool) for _ in range(5)]

    assert (pool.checkedout(), pool.is_exhausted) == (5, False)
    for connection in connections:
        await give_back(connection)


async def test_a_connection_that_the_garbage_collector_finds_in_another_thread_frees_its_place(source: Source) -> None:
    pool = pool_of(source)
    held = [await check_out(pool)]
    task = waiter(pool)
    await turns()
    record = held[0]._connection_record
    detached = threading.Thread(target=lambda: pool._do_return_conn(record))  # what SQLAlchemy's finalizer does

    detached.start()
    connection = await task
    detached.join()

    assert connection._connection_record is record
    held[0]._connection_record = None  # it is the other one's now
    await give_back(connection)


async def test_no_task_overtakes_those_that_wait_while_another_threads_gift_is_under_way(source: Source) -> None:
    pool, served = pool_of(source), []
    held = await check_out(pool)

    async def first() -> None:
        connection = await check_out(pool)
        served.append("first")
        await give_back(connection)

    task = asyncio.ensure_future(first())
    await turns()
    record, held._connection_record = held._connection_record, None
    thread = threading.Thread(target=lambda: pool._do_return_conn(record))
    thread.start()
    thread.join()  # the loop has not heard of it yet

    connection = await check_out(pool)
    served.append("second")

    assert served == ["first", "second"]
    await give_back(connection)
    await task


async def test_an_entry_that_was_not_given_back_frees_its_place_when_it_is_collected(source: Source) -> None:
    pool = pool_of(source)
    record: list[ConnectionPoolEntry] = [await greenlet_spawn(pool._do_get)]
    task = waiter(pool)
    await turns()
    assert not task.done()

    record.clear()
    gc.collect()

    await give_back(await task)
    assert (pool.checkedout(), pool.checkedin()) == (0, 1)


async def test_a_cancellation_of_each_attempt_to_close_an_old_connection_loses_no_place(
    source: Source, unlogged: None
) -> None:
    pool = pool_of(source)
    await give_back(await check_out(pool))
    pool.evict()
    source.opened[0].close = cancelled  # type: ignore[method-assign]  # for this one only

    assert await is_cancelled(check_out(pool))
    gc.collect()  # SQLAlchemy 2.0 drops the entry, and with it the place

    assert pool.checkedout() == 0
    await give_back(await check_out(pool))


@pytest.mark.filterwarnings("ignore:The garbage collector is trying")  # SQLAlchemy 2.0 tells what it found
async def test_a_cancellation_of_the_rollback_at_the_end_loses_no_place(source: Source, unlogged: None) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    source.opened[0].rollback = source.opened[0].close = cancelled  # type: ignore[method-assign]  # as above

    assert await is_cancelled(give_back(connection))
    del connection
    gc.collect()

    assert pool.checkedout() == 0
    await give_back(await check_out(pool))


def cancelled() -> None:
    raise asyncio.CancelledError


async def is_cancelled(work: Awaitable[object]) -> bool:
    """Whether a cancellation comes out; nothing keeps its traceback, and with that what it refers to."""
    try:
        await work
    except asyncio.CancelledError:
        return True
    return False


async def test_what_is_evicted_is_replaced_at_its_next_checkout(source: Source) -> None:
    pool = pool_of(source)
    await give_back(await check_out(pool))
    pool.evict()

    connection = await check_out(pool)

    assert connection.dbapi_connection is source.opened[1]
    assert source.opened[0].is_closed
    await give_back(connection)
