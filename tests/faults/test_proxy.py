"""The proxy itself: without a fault nothing changes, and each fault does to a plain driver what its name says."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import aiomysql
import asyncpg
import pytest

from tests.faults import Fault, FaultProxy, commit, connecting, fault_proxy, fault_proxy_in_thread, statement
from tests.servers import account_of

SILENCE = 0.2
"""Seconds after which a test believes that no answer comes; a fault, not a speed, is what it waits for."""


class Client:
    """A connection of a plain driver, with a table of its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.table = f"faults_{secrets.token_hex(4)}"

    async def run(self, *statements: str) -> Any:
        """Run statements; the first value of the last one's rows."""
        if isinstance(self.connection, asyncpg.Connection):
            for each in statements[:-1]:
                await self.connection.execute(each)
            return await self.connection.fetchval(statements[-1])
        async with self.connection.cursor() as cursor:
            for each in statements:
                await cursor.execute(each)
            row = await cursor.fetchone()
            return row[0] if row else None

    def insert(self) -> tuple[str, str]:
        """A transaction that stores one row, but for its COMMIT."""
        return "BEGIN", f"INSERT INTO {self.table} VALUES (1)"

    async def count(self) -> int:
        """The rows of the table."""
        return int(await self.run(f"SELECT count(*) FROM {self.table}"))

    def kill(self) -> None:
        """Close without a word."""
        if isinstance(self.connection, asyncpg.Connection):
            self.connection.terminate()
        else:
            self.connection.close()


async def connect(url: str) -> Any:
    account = account_of(url)
    login = {"host": account.host, "port": account.port, "user": account.user, "password": account.password}
    if urlsplit(url).scheme.startswith("postgres"):
        return await asyncpg.connect(**login, database=account.database)
    return await aiomysql.connect(**login, db=account.database)


@pytest.fixture(params=["postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[tuple[FaultProxy, Client, Client]]:
    """A proxy, a client behind it, and one that goes straight to the server; both know the same table."""
    async with AsyncExitStack() as stack:
        proxy, through = await stack.enter_async_context(fault_proxy(url))
        straight, client = Client(await connect(url)), Client(await connect(through))
        stack.callback(straight.kill)
        stack.callback(client.kill)
        client.table = straight.table
        await straight.run(f"CREATE TABLE {straight.table} (id integer)")
        yield proxy, client, straight
        client.kill()
        await straight.run("ROLLBACK", f"DROP TABLE {straight.table}")


Stage = tuple[FaultProxy, Client, Client]

LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, aiomysql.OperationalError)


async def test_without_a_fault_nothing_changes(stage: Stage) -> None:
    proxy, client, straight = stage

    await client.run(*client.insert(), "COMMIT")

    assert await straight.run("COMMIT", f"SELECT count(*) FROM {straight.table}") == 1
    assert not proxy.fired
    assert [message.text for message in proxy.messages if commit(message)] == ["COMMIT"]


async def test_large_rows_and_long_results_pass(stage: Stage) -> None:
    _, client, _ = stage

    assert await client.run(f"SELECT length('{'x' * 300_000}')") == 300_000
    assert await client.run(f"SELECT repeat('y', 300000), '{'z' * 10}'") == "y" * 300_000
    assert await client.count() == 0


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF_CLOSE])
async def test_a_commit_that_is_not_forwarded_stores_nothing(stage: Stage, fault: Fault) -> None:
    proxy, client, straight = stage
    rule = proxy.arm(fault, when=commit)

    with pytest.raises(LOST):
        await client.run(*client.insert(), "COMMIT")

    assert rule.fired
    assert await straight.count() == 0


@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY_AND_CLOSE, Fault.CUT])
async def test_a_commit_whose_answer_is_lost_is_stored(stage: Stage, fault: Fault) -> None:
    proxy, client, straight = stage
    proxy.arm(fault, when=commit)

    with pytest.raises(LOST):
        await client.run(*client.insert(), "COMMIT")

    assert await straight.count() == 1


@pytest.mark.parametrize(("fault", "stored"), [(Fault.BLACK_HOLE, 0), (Fault.LOSE_REPLY, 1)])
async def test_a_silent_connection_stays_up(stage: Stage, fault: Fault, stored: int) -> None:
    proxy, client, straight = stage
    proxy.arm(fault, when=commit)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await client.run(*client.insert(), "COMMIT")
    client.kill()

    assert proxy.fired
    assert await straight.count() == stored


async def test_a_delay_only_delays(stage: Stage) -> None:
    proxy, client, straight = stage
    proxy.arm(Fault.DELAY, when=commit, seconds=SILENCE)
    loop = asyncio.get_running_loop()
    started = loop.time()

    await client.run(*client.insert(), "COMMIT")

    assert loop.time() - started >= SILENCE
    assert await straight.count() == 1


async def test_a_fault_falls_once(stage: Stage) -> None:
    proxy, client, _ = stage
    proxy.arm(Fault.DELAY, when=statement("select 1"), seconds=0)

    await client.run("SELECT 1")
    fired = proxy.fired
    proxy.arm(Fault.RESET, when=statement("select 2"))
    await client.run("SELECT 1")

    assert (fired, proxy.fired) == (True, False)


async def test_the_nth_message_is_counted_from_arming(stage: Stage) -> None:
    proxy, client, _ = stage
    await client.run("SELECT 1")
    rule = proxy.arm(Fault.RESET, when=statement("SELECT"), nth=3)

    await client.run("SELECT 2", "SELECT 3")
    with pytest.raises(LOST):
        await client.run("SELECT 4")

    assert rule.hit is not None
    assert rule.hit.text == "SELECT 4"


async def test_a_cut_leaves_as_many_bytes_as_it_is_told(url: str) -> None:
    async with fault_proxy(url) as (proxy, through):
        proxy.arm(Fault.CUT, when=connecting, at=3)
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(through).port)
        writer.write(b"\0\0\0\x08\x04\xd2\x16\x2e" if url.startswith("mysql") else b"\0\0\0\x0e\0\3\0\0user\0\0")

        assert len(await reader.read()) == 3
        writer.close()


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF_CLOSE, Fault.LOSE_REPLY_AND_CLOSE, Fault.CUT])
async def test_a_fault_can_fall_on_a_connection_that_is_being_made(url: str, fault: Fault) -> None:
    async with fault_proxy(url) as (proxy, through):
        proxy.arm(fault, when=connecting)

        with pytest.raises(LOST):
            await connect(through)
        client = Client(await connect(through))
        answer = await client.run("SELECT 1")
        client.kill()

    assert (answer, proxy.connections) == (1, 2)


async def test_a_silent_proxy_answers_nobody_until_it_is_healed(stage: Stage, url: str) -> None:
    proxy, client, _ = stage
    proxy.arm(Fault.BLACK_HOLE, when=statement("SELECT 1"), everywhere=True)

    for attempt in (client.run("SELECT 1"), connect(proxy.through(url))):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENCE):
                await attempt
    proxy.heal()
    healed = Client(await connect(proxy.through(url)))

    assert await healed.run("SELECT 2") == 2
    healed.kill()


async def test_round_trips_are_counted(stage: Stage) -> None:
    proxy, client, _ = stage
    is_postgresql = isinstance(client.connection, asyncpg.Connection)
    before = proxy.round_trips

    await client.run("BEGIN", "SELECT 1")
    first = proxy.round_trips - before
    await client.run("SELECT 1")

    assert first == (3 if is_postgresql else 2)  # asyncpg prepares, then runs
    assert proxy.round_trips - before - first == 1


async def test_a_pipeline_is_one_round_trip(postgresql_url: str) -> None:
    async with fault_proxy(postgresql_url) as (proxy, through):
        connection = await connect(through)
        before = proxy.round_trips
        await connection.executemany("SELECT $1::int", [(number,) for number in range(50)])
        connection.terminate()

    assert proxy.round_trips - before == 2  # one to prepare


async def test_an_error_of_the_server_does_not_confuse_the_count_of_answers(stage: Stage) -> None:
    proxy, client, straight = stage
    for _ in range(2):
        with pytest.raises((asyncpg.PostgresError, aiomysql.MySQLError)):
            await client.run("SELECT nothing_of_this_name")
    proxy.arm(Fault.LOSE_REPLY_AND_CLOSE, when=commit)

    with pytest.raises(LOST):
        await client.run("ROLLBACK", *client.insert(), "COMMIT")

    assert await straight.count() == 1


def test_a_proxy_in_a_thread_serves_synchronous_tests(url: str) -> None:
    async def attempt(through: str) -> object:
        client = Client(await connect(through))
        try:
            return await client.run("SELECT 1")
        finally:
            client.kill()

    with fault_proxy_in_thread(url) as (proxy, through):
        assert asyncio.run(attempt(through)) == 1
        proxy.arm(Fault.RESET, when=statement("SELECT 1"))
        with pytest.raises(LOST):
            asyncio.run(attempt(through))
        assert proxy.fired
        proxy.silence()
        proxy.heal()
        assert asyncio.run(attempt(through)) == 1
