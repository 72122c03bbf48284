"""What the driver has prepared goes on when its connection is replaced unseen (contract C10; ADR 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from myfy_data import DataModule
from tests.databases import SERVERS, Database
from tests.faults import FaultProxy
from tests.integration.test_optimistic_reconnect import drivers_connection, let_connections_die

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

NUMBERS = "SELECT i FROM generate_series(1, $1::int) AS i"
OTHER = "SELECT $1::int * 2"
FIRST = "SELECT 'first'"

Held = dict[str, Any]
Use = Callable[[Any, Held], Awaitable[Any]]


async def prepared(_: Any, held: Held) -> list[int]:
    return [row["i"] for row in await held["numbers"].fetch(3)]


async def prepared_many(_: Any, held: Held) -> list[int]:
    return [row[0] for row in await held["numbers"].fetchmany([(1,), (2,)])]


async def cursor(driver: Any, _: Held) -> list[int]:
    """Over a statement in the driver's cache: nothing is sent before it is bound."""
    return [row["i"] async for row in driver.cursor(NUMBERS, 3, prefetch=2)]


async def cursor_by_hand(driver: Any, _: Held) -> list[int]:
    opened = await driver.cursor(NUMBERS, 3)
    return [row["i"] for row in [*await opened.fetch(1), *await opened.fetch(2)]]


async def prepared_cursor(_: Any, held: Held) -> list[int]:
    return [row["i"] async for row in held["numbers"].cursor(3, prefetch=2)]


async def fetch(driver: Any, _: Held) -> list[int]:
    return [row["i"] for row in await driver.fetch(NUMBERS, 3)]


async def fetch_many(driver: Any, _: Held) -> list[int]:
    return [row["i"] for row in await driver.fetchmany(NUMBERS, [(1,), (2,)])]


USES: list[Use] = [prepared, prepared_many, cursor, cursor_by_hand, prepared_cursor, fetch, fetch_many]


async def nothing(_: Any) -> None: ...


async def text_first(driver: Any) -> None:
    await driver.execute(FIRST)


async def another_statement_first(driver: Any) -> None:
    assert await driver.fetchval(OTHER, 2) == 4


@pytest.fixture
async def data(database: Database, proxy: FaultProxy) -> AsyncIterator[DataModule]:
    async with database.module(pool_size=1) as data:
        yield data


async def prepare(data: DataModule) -> Held:
    """In a session of its own, whose connection goes back to the pool."""
    async with data.session() as session:
        driver = await drivers_connection(session)
        held = {"numbers": await driver.prepare(NUMBERS), "driver": driver}
        assert len(await held["numbers"].fetch(2)) == 2
        assert len(await driver.fetch(NUMBERS, 2)) == 2
        assert await driver.fetchval(OTHER, 1) == 2
    return held


@pytest.mark.parametrize("before", [nothing, text_first, another_statement_first])
@pytest.mark.parametrize("use", USES)
async def test_it_is_carried_to_the_new_connection(
    data: DataModule, proxy: FaultProxy, use: Use, before: Callable[[Any], Awaitable[None]]
) -> None:
    held = await prepare(data)
    let_connections_die(proxy)
    answers = []
    async with data.session() as session:
        driver = await drivers_connection(session)
        await before(driver)
        answers += [await use(driver, held), await use(driver, held)]
    async with data.session() as session:
        answers.append(await use(await drivers_connection(session), held))

    assert held["driver"] is driver
    assert answers == [answers[0]] * 3
    assert len(answers[0]) in (2, 3)


async def test_it_is_carried_from_one_replacement_to_the_next(data: DataModule, proxy: FaultProxy) -> None:
    held = await prepare(data)
    for _ in range(3):
        let_connections_die(proxy)
        async with data.session() as session:
            assert await prepared(await drivers_connection(session), held) == [1, 2, 3]


async def test_one_that_the_new_server_cannot_prepare_says_why(
    data: DataModule, database: Database, proxy: FaultProxy
) -> None:
    async with data.session() as session:
        driver = await drivers_connection(session)
        await driver.execute("CREATE TEMPORARY TABLE only_here (i int)")
        held = await driver.prepare("SELECT i FROM only_here")
    let_connections_die(proxy)
    async with data.session() as session:
        driver = await drivers_connection(session)
        with pytest.raises(Exception, match=r"only_here.* does not exist"):
            await held.fetch()
        await session.rollback()
