"""A deadline that passed is told in one class on every database, with profile and phase (contract C10; ADR 19)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data import CommitOutcomeUnknown, DatabaseConnectionError, DatabaseTimeoutError
from myfy_data.engines.registry import EngineRegistry
from myfy_data.sessions.factory import SessionFactory
from myfy_data.settings.database_settings import DatabaseSettings
from tests.clock import deadline_of
from tests.faults.proxy import FaultProxy, fault_proxy

BOUND = 30.0
"""Seconds that each test gives the server; they pass at once when the server is silent."""

SHORT = 1.5
"""The same where no line is silent: they pass as they do."""

SLOW = "WITH RECURSIVE n(i) AS (SELECT started() UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

Act = Callable[[AsyncConnection], Awaitable[object]]


@pytest.fixture(params=["postgresql_url", "mysql_url"])
async def proxied(request: pytest.FixtureRequest) -> AsyncIterator[tuple[FaultProxy, EngineRegistry]]:
    """A proxy that can fall silent, and a registry whose profile `main` leads through it."""
    async with fault_proxy(request.getfixturevalue(request.param)) as (proxy, url):
        registry = EngineRegistry({"main": DatabaseSettings(database_url=url, command_timeout=BOUND)})
        try:
            yield proxy, registry
        finally:
            await registry.close()


async def select(connection: AsyncConnection) -> object:
    return await connection.execute(text("SELECT 1"))


async def select_in_stream(connection: AsyncConnection) -> object:
    return await connection.stream(text("SELECT 1"))


async def select_many(connection: AsyncConnection) -> object:
    return await connection.execute(text("SELECT :n"), [{"n": 1}, {"n": 2}])


WAYS: dict[str, tuple[str, Act]] = {
    "statement": ("statement", select),
    "stream": ("statement", select_in_stream),
    "many at once": ("statement", select_many),
    "savepoint": ("statement", AsyncConnection.begin_nested),
    "commit": ("commit", AsyncConnection.commit),
    "rollback": ("rollback", AsyncConnection.rollback),
    "close": ("rollback", AsyncConnection.close),
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_waited_for_is_named(proxied: tuple[FaultProxy, EngineRegistry], way: str) -> None:
    proxy, registry = proxied
    phase, act = WAYS[way]
    connection = await registry.get("main").connect()
    await select(connection)
    proxy.silence(then=deadline_of(BOUND))

    with pytest.raises(DatabaseTimeoutError, match=r"profile 'main': no answer to .* within 30 s") as caught:
        await act(connection)

    await connection.close()
    error = caught.value
    assert (error.profile, error.phase, error.seconds) == ("main", phase, BOUND)
    assert isinstance(error.__cause__, TimeoutError)
    assert registry.status("main").checked_out == 0


async def test_a_connection_that_timed_out_is_thrown_away(proxied: tuple[FaultProxy, EngineRegistry]) -> None:
    proxy, registry = proxied
    async with registry.get("main").connect() as connection:
        await select(connection)
        proxy.silence(then=deadline_of(BOUND))
        with pytest.raises(DatabaseTimeoutError):
            await select(connection)

        assert connection.invalidated


@pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"])
async def test_connecting_is_a_phase_too(request: pytest.FixtureRequest, url: str) -> None:
    async with fault_proxy(request.getfixturevalue(url)) as (proxy, through):
        registry = EngineRegistry({"main": DatabaseSettings(database_url=through, connect_timeout=SHORT)})
        proxy.silence()

        with pytest.raises(DatabaseTimeoutError, match="cannot connect") as caught:
            await registry.get("main").connect()

        await registry.close()
    assert (caught.value.profile, caught.value.phase, caught.value.seconds) == ("main", "connect", SHORT)
    assert isinstance(caught.value, DatabaseConnectionError)


async def test_at_commit_a_session_says_that_the_outcome_is_unknown(
    proxied: tuple[FaultProxy, EngineRegistry],
) -> None:
    proxy, registry = proxied
    settings = DatabaseSettings(database_url="postgresql://host/name", command_timeout=BOUND)
    async with SessionFactory("main", registry, settings).create_session() as session:
        await session.execute(text("SELECT 1"))
        proxy.silence(then=deadline_of(BOUND))

        with pytest.raises(CommitOutcomeUnknown) as caught:
            await session.commit()

    assert isinstance(caught.value.__cause__, DatabaseTimeoutError)
    assert caught.value.__cause__.phase == "commit"


async def test_the_checkout_is_a_phase_too(postgresql_url: str) -> None:
    settings = DatabaseSettings(database_url=postgresql_url, pool_size=1, max_overflow=0, pool_timeout=SHORT)
    registry = EngineRegistry({"main": settings})
    async with registry.get("main").connect():
        with pytest.raises(DatabaseTimeoutError) as caught:
            await registry.get("main").connect()

    await registry.close()
    assert (caught.value.profile, caught.value.phase) == ("main", "checkout")
    assert isinstance(caught.value, SQLAlchemyTimeoutError)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db", command_timeout=BOUND)
    registry = EngineRegistry({"main": settings})
    yield registry.get("main")
    await registry.close()


async def test_a_slow_statement_of_sqlite_is_in_the_family(sqlite: AsyncEngine) -> None:
    loop, run_out = asyncio.get_running_loop(), deadline_of(BOUND)
    async with sqlite.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.create_function("started", 0, lambda: int(bool(loop.call_soon_threadsafe(run_out))))
        with pytest.raises(DatabaseTimeoutError, match="'main': a statement was interrupted after 30 s") as caught:
            await connection.execute(text(SLOW))

        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    error = caught.value
    assert (error.profile, error.phase, error.seconds) == ("main", "statement", BOUND)
    assert isinstance(error, OperationalError)
    assert error.statement == SLOW


async def test_another_error_of_sqlite_is_not(sqlite: AsyncEngine) -> None:
    async with sqlite.connect() as connection:
        with pytest.raises(OperationalError, match="no such table") as caught:
            await connection.execute(text("SELECT * FROM nowhere"))

    assert not isinstance(caught.value, DatabaseTimeoutError)
