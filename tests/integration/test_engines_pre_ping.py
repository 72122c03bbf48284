"""A connection that died while it was idle is never seen by the user, and a hot one costs nothing (contract C10)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings
from tests.servers import MYSQL, POSTGRESQL, Server, account_of
from tests.tcp_proxy import relay_to

BOTH = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"], indirect=True)
SIZE = 5
DISCONNECTS = (DBAPIError, OSError, asyncpg.InternalClientError)  # the last one is wrapped since SQLAlchemy 2.1


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def registry(url: str) -> AsyncIterator[EngineRegistry]:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, pool_size=SIZE, max_overflow=0)})
    yield registry
    await registry.close()


async def backend_id(engine: AsyncEngine) -> int:
    """The server's number for the connection that the pool hands out."""
    statement = "SELECT pg_backend_pid()" if engine.dialect.name == "postgresql" else "SELECT connection_id()"
    async with engine.connect() as connection:
        return int((await connection.execute(text(statement))).scalar_one())


async def backend_ids(engine: AsyncEngine) -> set[int]:
    """The numbers of all connections of the pool, each of them used a moment ago."""
    together = asyncio.Barrier(SIZE)

    async def one() -> int:
        async with engine.connect() as connection:
            await together.wait()
            await connection.execute(text("SELECT 1"))
            number = (await connection.get_raw_connection()).driver_connection
            return int(number.get_server_pid() if hasattr(number, "get_server_pid") else number.thread_id())

    return set(await asyncio.gather(*(one() for _ in range(SIZE))))


def kill(url: str, numbers: set[int]) -> None:
    """End connections at the server, blocking: our event loop gets no chance to hear of it."""
    if url.startswith("postgresql"):
        statements = [f"SELECT pg_terminate_backend({number}, 5000)" for number in numbers]
        Server(POSTGRESQL, account_of(url)).execute(*statements)
    else:
        Server(MYSQL, account_of(url)).execute(*(f"KILL {number}" for number in numbers))


@BOTH
@pytest.mark.parametrize("idle", [0, 0.1, 0.6], ids=["at once", "after 100 ms", "after more than the window"])
async def test_terminated_connections_are_replaced_unseen(registry: EngineRegistry, url: str, idle: float) -> None:
    engine = registry.get("main")
    before = await backend_ids(engine)
    await asyncio.sleep(idle if idle > 0.5 else 0)
    kill(url, before)
    if idle == 0.1:
        await asyncio.sleep(idle)

    after = await backend_ids(engine)

    assert after.isdisjoint(before)


@BOTH
async def test_one_terminated_connection_does_not_cost_the_others(registry: EngineRegistry, url: str) -> None:
    engine = registry.get("main")
    before = await backend_ids(engine)
    victim, *_ = [await backend_id(engine) for _ in range(SIZE)]  # first in, so first out again
    kill(url, {victim})
    await asyncio.sleep(0.1)

    after = await backend_ids(engine)

    assert before - {victim} == before & after


@BOTH
async def test_reset_connections_are_replaced_unseen(url: str) -> None:
    async with relay_to(url) as (relay, through):
        registry = EngineRegistry({"main": DatabaseSettings(database_url=through, pool_size=SIZE, max_overflow=0)})
        engine = registry.get("main")
        before = await backend_ids(engine)
        relay.reset()

        after = await backend_ids(engine)

        await registry.close()
    assert after.isdisjoint(before)


@BOTH
async def test_without_the_check_the_user_sees_the_dead_connection(url: str) -> None:
    """The tests above would notice if nothing were checked."""
    settings = DatabaseSettings(database_url=url, pool_size=SIZE, max_overflow=0, pool_pre_ping=False)
    registry = EngineRegistry({"main": settings})
    engine = registry.get("main")
    kill(url, await backend_ids(engine))

    with pytest.raises(DISCONNECTS):
        await backend_ids(engine)

    await registry.close()


class Pings:
    """Counts the pings of an engine's backend."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
        self.count = 0
        ping = backend.ping

        async def counted(connection: Any) -> None:
            self.count += 1
            await ping(connection)

        monkeypatch.setattr(backend, "ping", counted)


@BOTH
@pytest.mark.parametrize(("idle", "pings"), [(60.0, 0), (0.0, 3)])
async def test_only_idle_connections_are_pinged(
    url: str, idle: float, pings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, pool_pre_ping_idle=idle)})
    engine = registry.get("main")
    await backend_id(engine)
    counted = Pings(monkeypatch, registry.engines_of("main")[0].backend)
    for _ in range(3):
        await backend_id(engine)

    await registry.close()
    assert counted.count == pings


@BOTH
async def test_a_connection_older_than_recycle_is_replaced(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, pool_recycle=60)})
    engine = registry.get("main")
    first = await backend_id(engine)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 61)

    second = await backend_id(engine)

    await registry.close()
    assert first != second


@BOTH
async def test_after_a_break_in_use_the_next_statement_works(registry: EngineRegistry, url: str) -> None:
    """What breaks during use is seen, once: SQLAlchemy then replaces the whole pool."""
    engine = registry.get("main")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        driver = (await connection.get_raw_connection()).driver_connection
        kill(url, {driver.get_server_pid() if hasattr(driver, "get_server_pid") else driver.thread_id()})
        with pytest.raises(DISCONNECTS):
            await connection.execute(text("SELECT 1"))

    assert await backend_id(engine) > 0
    assert registry.status("main").checked_out == 0
