"""A server that never answers costs the stated bound, and the pool recovers by itself (contract C10)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data.engines.pool.errors import PoolExhausted
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE, close_server
from tests.clock import deadline_of
from tests.tcp_proxy import Relay, relay_to

BOTH = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"], indirect=True)
SLEEP = {"postgresql": "SELECT pg_sleep(600)", "mysql": "SELECT sleep(600)"}
# MariaDB's sleep() only returns early when it is interrupted; a statement that works ends with an error.
BUSY = SLEEP | {"mysql": f"SELECT count(*) FROM {', '.join(f'information_schema.columns c{n}' for n in range(4))}"}
BOUND = 30.0
"""Seconds that each test gives the server; they pass at once when an answer was lost."""

SHORT = 1.5
"""The same where the server is at work, or silent from the start: they pass as they do."""


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@contextmanager
def in_time() -> Iterator[None]:
    """The block waits for its bound and not for what comes next, which are 30 s and more.

    The contract allows a second more than the bound. A busy machine takes some of them before it looks at the clock.
    """
    started = time.monotonic()
    yield
    assert time.monotonic() - started < PATIENCE


@asynccontextmanager
async def relayed(url: str, **settings: float) -> AsyncIterator[tuple[EngineRegistry, Relay]]:
    """A registry whose profile `main` reaches the server through a relay that can lose the answers."""
    async with relay_to(url) as (relay, through):
        registry = EngineRegistry({"main": DatabaseSettings(database_url=through, **settings)})
        try:
            yield registry, relay
        finally:
            await registry.close()


@asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    """The port of a server that accepts and never answers."""
    ends: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await close_server(server)
        for end in ends:
            end.transport.abort()


@asynccontextmanager
async def opened(url: str, **settings: float) -> AsyncIterator[AsyncEngine]:
    """The engine of a profile that is closed at the end."""
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, **settings)})
    try:
        yield registry.get("main")
    finally:
        await registry.close()


async def select_one(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
@pytest.mark.parametrize("tls", ["disable", "require"])
async def test_connecting_ends_with_its_time_handshake_included(driver: str, tls: str) -> None:
    async with black_hole() as port:
        url = f"{driver}://app:secret@127.0.0.1:{port}/main"
        registry = EngineRegistry({"main": DatabaseSettings(database_url=url, connect_timeout=SHORT, tls=tls)})
        with in_time(), pytest.raises(DatabaseConnectionError, match=r"no answer within 1\.5 s"):
            await select_one(registry.get("main"))
        await registry.close()


@BOTH
async def test_a_statement_ends_with_its_time_and_the_pool_recovers(url: str) -> None:
    async with relayed(url, command_timeout=BOUND) as (registry, relay):
        engine = registry.get("main")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            relay.lose_answers(then=deadline_of(BOUND))
            with in_time(), pytest.raises(TimeoutError):
                await connection.execute(text("SELECT 2"))
        relay.heal()

        assert await select_one(engine) == 1
        assert registry.status("main").checked_out == 0


@BOTH
@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_the_end_of_a_transaction_ends_with_its_time(url: str, end: str) -> None:
    async with relayed(url, command_timeout=BOUND) as (registry, relay):
        async with registry.get("main").connect() as connection:
            await connection.execute(text("SELECT 1"))
            relay.lose_answers(then=deadline_of(BOUND))
            with in_time(), pytest.raises(TimeoutError):
                await getattr(connection, end)()
        relay.heal()

        assert await select_one(registry.get("main")) == 1


@BOTH
async def test_the_check_of_an_idle_connection_ends_with_its_time(url: str) -> None:
    """Then a new connection is tried, which has its own bound."""
    async with relayed(url, command_timeout=BOUND, connect_timeout=BOUND, pool_pre_ping_idle=0) as (registry, relay):
        await select_one(registry.get("main"))
        relay.lose_answers(then=deadline_of(BOUND))
        with in_time(), pytest.raises(DatabaseConnectionError):
            await select_one(registry.get("main"))
        relay.heal()

        assert await select_one(registry.get("main")) == 1


@BOTH
async def test_closing_ends_with_its_time(url: str) -> None:
    async with relayed(url, close_timeout=BOUND) as (registry, relay):
        await registry.warm_up("main")
        relay.lose_answers(then=deadline_of(BOUND))
        with in_time():
            await registry.close()


@BOTH
async def test_a_slow_statement_on_a_healthy_server_ends_with_its_time(url: str) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, command_timeout=BOUND)})
    kind = url.partition("+")[0]
    async with registry.get("main").connect() as connection:
        sleeping = asyncio.create_task(connection.execute(text(SLEEP[kind])))
        await until_it_sleeps(url, kind)
        deadline_of(BOUND)()
        with in_time(), pytest.raises(TimeoutError):
            await sleeping

    assert await select_one(registry.get("main")) == 1
    await registry.close()


SLEEPING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%'"
    " AND datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%sleep(600)%'"
    " AND db = DATABASE() AND id <> CONNECTION_ID()",
}


async def until_it_sleeps(url: str, kind: str) -> None:
    """Wait until the server is at the statement, as another connection sees it."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with asyncio.timeout(PATIENCE), engine.connect() as connection:
        while not await connection.scalar(text(SLEEPING[kind])):
            await connection.rollback()


def dribble(kind: str, rows: int) -> str:
    """Rows that come one by one: the server is never silent for long."""
    if kind == "postgresql":
        return f"SELECT repeat('x', 20000), pg_sleep(0.2) FROM generate_series(1, {rows})"
    return "SELECT repeat('x', 20000), sleep(0.2) FROM (SELECT 1" + " UNION ALL SELECT 1" * (rows - 1) + ") AS some"


@BOTH
async def test_an_answer_that_comes_bit_by_bit_has_one_deadline(url: str) -> None:
    async with opened(url, command_timeout=SHORT) as engine, engine.connect() as connection:
        with in_time(), pytest.raises(TimeoutError):
            await connection.execute(text(dribble(engine.dialect.name, 200)))


async def test_each_row_of_a_stream_has_a_deadline_of_its_own(mysql_url: str) -> None:
    """Three quarters of it pass between two of them."""
    async with opened(mysql_url, command_timeout=BOUND) as engine, engine.connect() as connection:
        pass_most = deadline_of(0.75 * BOUND)
        result = await connection.stream(text(dribble("mysql", 8)).execution_options(yield_per=1))
        rows = 0
        async for _ in result:
            rows += 1
            pass_most()
        assert rows == 8


@BOTH
async def test_the_server_itself_stops_a_statement(url: str) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, statement_timeout=SHORT)})
    async with registry.get("main").connect() as connection:
        with in_time(), pytest.raises(DBAPIError, match=r"57014|statement timeout|max_statement_time|3024"):
            await connection.execute(text(BUSY[url.partition("+")[0]]))

    await registry.close()


@BOTH
async def test_a_ping_of_a_silent_server_is_told_in_words(url: str) -> None:
    async with relayed(url, connect_timeout=BOUND) as (registry, relay):
        await registry.ping("main")
        relay.lose_answers(then=deadline_of(BOUND))
        with in_time(), pytest.raises(DatabaseConnectionError, match="no answer within 30 s"):
            await registry.ping("main")


@BOTH
async def test_an_exhausted_pool_is_told_with_its_numbers(url: str) -> None:
    registry = EngineRegistry(
        {"main": DatabaseSettings(database_url=url, pool_size=1, max_overflow=1, pool_timeout=SHORT)}
    )
    engine = registry.get("main")
    async with engine.connect(), engine.connect():
        with in_time(), pytest.raises(PoolExhausted) as caught:
            await select_one(engine)

    error = caught.value
    await registry.close()
    assert (error.profile, error.size, error.max_overflow, error.checked_out) == ("main", 1, 1, 2)
    assert SHORT <= error.waited < SHORT + PATIENCE


@BOTH
async def test_a_ping_of_an_exhausted_pool_does_not_blame_the_server(url: str) -> None:
    settings = DatabaseSettings(database_url=url, pool_size=1, max_overflow=0, connect_timeout=BOUND, pool_timeout=60)
    registry = EngineRegistry({"main": settings})
    async with registry.get("main").connect():
        asking = asyncio.create_task(registry.ping("main"))
        while registry.status("main").waiting == 0:
            await asyncio.sleep(0)
        deadline_of(BOUND)()
        with in_time(), pytest.raises(PoolExhausted):
            await asking

    await registry.close()


@BOTH
async def test_those_who_wait_are_counted(url: str) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, pool_size=1, max_overflow=0)})
    engine = registry.get("main")
    connection = await engine.connect()
    waiting = [asyncio.create_task(select_one(engine)) for _ in range(3)]
    await asyncio.sleep(0)

    status = registry.status("main")

    await connection.close()
    await asyncio.gather(*waiting)
    after = registry.status("main")
    await registry.close()
    assert (status.checked_out, status.waiting) == (1, 3)
    assert (after.checked_out, after.waiting) == (0, 0)
