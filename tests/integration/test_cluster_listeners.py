"""Listeners of a profile with several servers hear each of them, wherever they are attached (contract C11.5, C16.1)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.events import PoolEvents
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.cluster.listeners import POOL_EVENTS
from tests.clusters.postgresql import PostgresqlCluster
from tests.integration.test_cluster_postgresql import ports, role, running, settings_of, until

pytestmark = pytest.mark.postgresql

EVENTS = (
    *("do_connect", "connect", "checkout", "checkin", "engine_connect", "begin", "commit", "rollback"),
    *("before_execute", "before_cursor_execute", "do_execute", "after_cursor_execute", "handle_error"),
)
"""Of an engine, of its pool and of its dialect."""

PREFER = {"from": "prefer-replica"}


@pytest.fixture
def database(cluster: PostgresqlCluster) -> Any:
    with cluster.database() as name:
        yield name


def attach(engine: AsyncEngine, heard: Counter[str]) -> None:
    for name in EVENTS:

        def note(*_: Any, name: str = name) -> None:
            heard[name] += 1

        event.listen(engine.sync_engine, name, note)


async def work(data: DataModule) -> None:
    """A write session, a reading one, and one that fails: every event happens in each of them or in one."""
    for options in ({}, {"read_only": True}):
        async with data.session(**options) as session:
            await session.execute(text("SELECT 1"))
    with pytest.raises(DBAPIError):
        async with data.session() as session:
            await session.execute(text("SELECT none_of_this"))


async def settled(data: DataModule, cluster: PostgresqlCluster) -> None:
    await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))


OF_WORK = ("begin", "commit", "rollback", "before_execute", "handle_error", "engine_connect")
"""What one session makes happen as often, however many servers there are; of these there are more connections."""


async def heard_by_get_engine(settings: DatabaseSettings, replicas: int) -> tuple[set[str], dict[str, int]]:
    """What a listener heard, and how often it heard of the work of sessions."""
    heard: Counter[str] = Counter()
    data = DataModule(settings=DataSettings(profiles={"main": settings}))
    attach(data.get_engine(), heard)
    async with data:
        await until(lambda: Counter(host.role for host in data.cluster().hosts)["replica"] == replicas)
        before = heard.copy()
        await work(data)
        return set(heard), {name: heard[name] - before[name] for name in OF_WORK}


async def test_get_engine_hears_what_it_hears_of_one_server(cluster: PostgresqlCluster, database: str) -> None:
    _, one = await heard_by_get_engine(settings_of([cluster.n1.address], database), 0)

    events, several = await heard_by_get_engine(settings_of(cluster.addresses, database, reads=PREFER), 2)

    assert events == set(EVENTS)
    assert several == one


async def test_on_engine_hears_the_statements_of_its_server(cluster: PostgresqlCluster, database: str) -> None:
    heard: Counter[str] = Counter()
    settings = settings_of(cluster.addresses, database, reads=PREFER)
    async with running(settings, on_engine=lambda _, engine: attach(engine, heard)) as data:
        await settled(data, cluster)
        heard.clear()
        await work(data)

    assert (heard["before_cursor_execute"], heard["begin"], heard["handle_error"]) == (3, 3, 1)


async def test_a_listener_hears_the_server_that_is_primary_next(cluster: PostgresqlCluster, database: str) -> None:
    heard: Counter[str] = Counter()
    async with running(settings_of(cluster.addresses, database)) as data:
        event.listen(data.get_engine().sync_engine, "connect", lambda *_: heard.update(["connect"]))
        event.listen(data.get_engine().sync_engine, "before_execute", lambda *_: heard.update(["before_execute"]))
        await asyncio.to_thread(cluster.n1.kill)
        await asyncio.to_thread(cluster.n2.promote)
        await until(lambda: data.cluster().primary == cluster.n2.address)
        heard.clear()

        assert await ports(data, 1) == {cluster.n2.port: 1}
        assert heard == {"connect": 1, "before_execute": 1}


async def test_what_a_listener_says_when_it_is_handed_a_connection_is_rolled_back_too(
    cluster: PostgresqlCluster, database: str
) -> None:
    """As with one server (ADR 20)."""
    cluster.n1.execute("CREATE TABLE said (i int)", database=database)

    def say(connection: Any) -> None:
        connection.connection.dbapi_connection.cursor().execute("INSERT INTO said VALUES (1)")

    async with running(settings_of(cluster.addresses, database)) as data:
        event.listen(data.get_engine().sync_engine, "engine_connect", say)
        session = data.get_session_factory().create_session()
        await session.execute(text("SELECT 1"))
        await session.rollback()
        await session.close()

    assert await asyncio.to_thread(cluster.n1.fetch, "SELECT count(*) FROM said", database) == [(0,)]


async def test_options_of_an_engine_are_its_connections(cluster: PostgresqlCluster, database: str) -> None:
    async with running(settings_of(cluster.addresses, database)) as data:
        engine = data.get_engine()
        copied = engine.execution_options(mark=1)
        engine.update_execution_options(later=2)
        async with copied.connect() as one, engine.connect() as two:
            found = [(await one.get_raw_connection()) and one.sync_connection, two.sync_connection]

        options = [connection.get_execution_options() for connection in found if connection is not None]
        assert [(some.get("mark"), some.get("later")) for some in options] == [(1, None), (None, 2)]


def test_every_event_of_a_pool_is_told() -> None:
    assert set(POOL_EVENTS) == {name for name in dir(PoolEvents) if not name.startswith("_")} - {"dispatch"}
