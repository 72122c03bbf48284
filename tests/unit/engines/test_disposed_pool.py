"""A pool that was disposed: what comes back is closed, and whoever waits is served."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.util.concurrency import greenlet_spawn

from tests.unit.engines.test_wait_queue import Source, check_out, give_back, pool_of, turns, waiter


@pytest.fixture
def source() -> Source:
    return Source()


async def test_a_pool_that_is_disposed_keeps_nothing_that_comes_back(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    await greenlet_spawn(pool.dispose)

    await give_back(connection)

    assert source.opened[0].is_closed
    assert pool.checkedin() == 0


async def test_those_who_wait_for_a_pool_that_is_disposed_open_their_own(source: Source) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    task = waiter(pool)
    await turns()

    await greenlet_spawn(pool.dispose)

    assert (await task).dbapi_connection is source.opened[1]
    await asyncio.gather(give_back(connection), give_back(await task))


async def test_more_who_wait_for_a_pool_that_is_disposed_than_it_has_places_are_served_as_others_come_back(
    source: Source,
) -> None:
    pool = pool_of(source)
    connection = await check_out(pool)
    tasks = [waiter(pool) for _ in range(3)]
    await turns()
    await greenlet_spawn(pool.dispose)

    await give_back(connection)  # from before, and one from after
    await give_back(await tasks[0])

    assert [(await task).dbapi_connection for task in tasks[1:]] == source.opened[2:]
    await asyncio.gather(*[give_back(await task) for task in tasks[1:]])
    assert (pool.checkedout(), [driver.is_closed for driver in source.opened]) == (0, [True] * 4)


async def test_a_pool_that_is_disposed_opens_no_more_than_its_places_beside_what_is_in_use(source: Source) -> None:
    pool = pool_of(source, size=2)
    connections = [await check_out(pool) for _ in range(2)]
    tasks = [waiter(pool) for _ in range(6)]
    await turns()
    await greenlet_spawn(pool.dispose)
    await turns()

    assert (len(source.opened), pool.checkedout(), pool.waiting) == (4, 4, 4)
    await asyncio.gather(*map(give_back, connections))
    await turns()
    assert (pool.checkedout(), pool.waiting) == (4, 2)
    for task in tasks:
        await give_back(await task)
