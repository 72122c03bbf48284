"""A server that does not answer the disconnect blocks no caller, whatever `command_timeout` says (contract C10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings
from tests.clock import deadline_of
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.integration.test_engines_timeouts import in_time

pytestmark = pytest.mark.usefixtures("quiet")

CLOSE_TIMEOUT = 5.0
"""Seconds that one disconnect may take; they pass at once when it gets no answer."""

Place = tuple[FaultProxy, EngineRegistry, AsyncEngine]


@pytest.fixture(params=["postgresql_url", "mysql_url"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """A proxy that can fall silent, and a pool of one connection and one beyond it."""
    async with fault_proxy(request.getfixturevalue(request.param)) as (proxy, url):
        settings = DatabaseSettings(database_url=url, pool_size=1, max_overflow=1, close_timeout=CLOSE_TIMEOUT)
        registry = EngineRegistry({"main": settings})
        try:
            yield proxy, registry, registry.get("main")
        finally:
            await registry.close()


async def two_idle(engine: AsyncEngine) -> list[AsyncConnection]:
    """Two connections with nothing to roll back."""
    found = [await engine.connect(), await engine.connect()]
    for connection in found:
        await connection.execute(text("SELECT 1"))
        await connection.rollback()
    return found


async def is_well(registry: EngineRegistry, **expected: Any) -> bool:
    async with registry.get("main").connect() as connection:
        answer = (await connection.execute(text("SELECT 1"))).scalar_one()
    status = registry.status("main")
    return answer == 1 and all(getattr(status, name) == value for name, value in expected.items())


async def test_of_a_connection_beyond_the_pool(place: Place) -> None:
    proxy, registry, engine = place
    first, second = await two_idle(engine)
    proxy.silence(then=deadline_of(CLOSE_TIMEOUT))
    with in_time():
        await first.close()
        await second.close()

    proxy.heal()
    assert await is_well(registry, checked_out=0, checked_in=1)


async def test_of_a_disposed_engine(place: Place) -> None:
    proxy, registry, engine = place
    for connection in await two_idle(engine):
        await connection.close()
    proxy.silence(then=deadline_of(CLOSE_TIMEOUT))
    with in_time():
        await engine.dispose()

    proxy.heal()
    assert await is_well(registry, checked_out=0)


async def test_of_an_invalidated_connection(place: Place) -> None:
    proxy, registry, engine = place
    first, second = await two_idle(engine)
    await second.close()
    proxy.silence(then=deadline_of(CLOSE_TIMEOUT))
    with in_time():
        await first.invalidate()
        await first.close()

    proxy.heal()
    assert await is_well(registry, checked_out=0)


async def test_that_is_cancelled_keeps_the_place_in_the_pool(place: Place) -> None:
    proxy, registry, engine = place
    first, second = await two_idle(engine)
    await first.close()
    proxy.silence(then=deadline_of(CLOSE_TIMEOUT))
    task = asyncio.create_task(second.close())
    await asyncio.sleep(0)
    task.cancel()
    with in_time():
        await asyncio.wait([task])

    proxy.heal()
    assert await is_well(registry, checked_out=0, overflow=0)
