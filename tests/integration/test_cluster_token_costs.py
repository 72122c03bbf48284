"""What a token costs, counted by a proxy, and what becomes of it when the primary does not answer (contract C11.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, delete, event, select
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.asgi import request_session, run_request
from myfy_data.engines.cluster.monitor import Monitor
from myfy_data.engines.cluster.server import Server
from myfy_data.engines.cluster.token import Token
from tests.asyncio_servers import PATIENCE
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import cluster_of
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.integration.test_cluster_own_writes import INSERT, database, replicas_serve, rows
from tests.integration.test_cluster_postgresql import running, settings_of, table, until
from tests.integration.test_cluster_tokens import token_of

pytestmark = pytest.mark.postgresql

__all__ = ["database", "table"]

T = Table("t", MetaData(), Column("i", Integer))

ASKING = {"from": "prefer-replica"}
WRITE, READ = delete(T), select(T)
WRITES = 3
"""Round trips of a session that writes: BEGIN, the statement, COMMIT."""
FEW_LOOKS = {"heartbeat": 600.0, "failover_timeout": PATIENCE}
"""Looks pass through the proxy, too: after the first ones there are none."""


@asynccontextmanager
async def through_a_proxy(
    cluster: PostgresqlCluster, table: str, reads: dict[str, Any]
) -> AsyncIterator[tuple[DataModule, FaultProxy]]:
    """A module whose primary stands behind a proxy, with one connection that knows its statements."""
    async with fault_proxy(cluster.n1.url(table)) as (proxy, _):
        hosts = [f"127.0.0.1:{proxy.port}", *cluster.addresses[1:]]
        used = {"pool_pre_ping_idle": 600.0}  # a moment ago, however long that is on a busy machine
        async with running(settings_of(hosts, table, reads=reads, cluster=FEW_LOOKS, **used)) as data:
            await replicas_serve(data, cluster)
            for _ in range(2):
                await job(data)
            yield data, proxy


async def job(data: DataModule, statement: Any = WRITE) -> AsyncSession:
    async with data.session() as session:
        await session.execute(statement)
    return session


async def spent(data: DataModule, proxy: FaultProxy, statement: Any) -> int:
    await job(data, statement)
    before = proxy.round_trips
    await job(data, statement)
    return proxy.round_trips - before


@pytest.mark.parametrize(
    ("reads", "statement", "cost"),
    [
        (ASKING, WRITE, WRITES + 1),
        (ASKING, READ, 1),
        ({"from": "primary"}, WRITE, WRITES),
        ({**ASKING, "consistency": "eventual"}, WRITE, WRITES),
    ],
    ids=["writes", "only reads", "reads come from the primary", "eventual"],
)
async def test_a_job_that_wrote_asks_once_where_replicas_serve(
    cluster: PostgresqlCluster, table: str, reads: dict[str, Any], statement: Any, cost: int
) -> None:
    async with through_a_proxy(cluster, table, reads) as (data, proxy):
        assert await spent(data, proxy, statement) == cost


async def in_a_request(
    data: DataModule, proxy: FaultProxy, statement: Any = WRITE
) -> tuple[int, AsyncSession, list[tuple[bytes, bytes]]]:
    """What a request has spent when its response begins, its session, and the response's headers."""
    found: list[int] = []
    headers: list[tuple[bytes, bytes]] = []
    sessions: list[AsyncSession] = []
    before = proxy.round_trips

    async def app(scope: dict[str, Any], _: Any, send: Any) -> None:
        sessions.append(request_session(scope))
        await sessions[0].execute(statement)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        found.append(proxy.round_trips - before)
        headers.extend(message["headers"])

    async def receive() -> Any:
        raise NotImplementedError

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "scheme": "http"}
    await run_request(data, app, scope, receive, send)
    return found[0], sessions[0], headers


async def test_no_response_waits_for_a_token(cluster: PostgresqlCluster, table: str) -> None:
    async with through_a_proxy(cluster, table, ASKING) as (data, proxy):
        spent, session, _ = await in_a_request(data, proxy)

        assert spent == WRITES
        async with asyncio.timeout(PATIENCE):
            while (token := Token.parse(token_of(session))) is None or token.position is None:
                await asyncio.sleep(0.01)
        assert await rows(data, after=token_of(session)) == 0


@pytest.mark.parametrize(("statement", "cost", "has_cookie"), [(WRITE, WRITES + 1, True), (READ, 1, False)])
async def test_a_cookie_costs_one_round_trip_of_a_response_that_wrote(
    cluster: PostgresqlCluster, table: str, statement: Any, cost: int, has_cookie: bool
) -> None:
    async with through_a_proxy(cluster, table, ASKING) as (data, proxy):
        await job(data, statement)
        data.carry_tokens("cookie", "k" * 32)

        spent, _, headers = await in_a_request(data, proxy, statement)

        assert spent == cost
        assert [name for name, _ in headers] == [b"set-cookie"] * has_cookie


async def test_without_an_answer_a_token_leads_to_the_primary(
    cluster: PostgresqlCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with through_a_proxy(cluster, table, ASKING) as (data, proxy):
        opened = cluster_of(data)
        hurried = opened.settings.cluster.model_copy(update={"heartbeat": 0.5})
        opened.settings = opened.settings.model_copy(update={"cluster": hurried})  # of the question alone
        monkeypatch.setattr(Monitor, "look_soon", lambda *_: None)  # a look would be lost with the line, as a server is
        async with data.session() as session:
            await session.execute(INSERT)
            event.listen(session.sync_session, "after_commit", lambda _: proxy.silence())

        assert token_of(session) == Token().text
        proxy.heal()
        assert await rows(data, after=token_of(session)) == 1


async def test_a_cancellation_while_a_token_is_asked_for_says_that_the_work_is_stored(
    cluster: PostgresqlCluster, table: str
) -> None:
    unheard = asyncio.Event()
    async with through_a_proxy(cluster, table, ASKING) as (data, proxy):

        async def work() -> None:
            async with data.session() as session:
                await session.execute(INSERT)
                event.listen(session.sync_session, "after_commit", lambda _: proxy.silence(unheard.set))

        task = asyncio.create_task(work())
        await unheard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task

        assert "profile 'main': COMMIT was answered before this cancellation: the work is stored" in (
            caught.value.__notes__
        )
        assert data.pool_status().checked_out == 0
        proxy.heal()
    assert await asyncio.to_thread(cluster.n1.fetch, "SELECT count(*) FROM t", table) == [(1,)]


async def test_a_look_is_one_statement_over_one_connection(
    cluster: PostgresqlCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a profile without sessions, its server hears nothing else."""
    spent: list[int] = []
    look = Server.look
    async with fault_proxy(cluster.n1.url(table)) as (proxy, _):
        mine = f"127.0.0.1:{proxy.port}"

        async def counted(server: Server) -> Any:
            found = await look(server)
            if server.address == mine:
                spent.append(proxy.round_trips)
            return found

        monkeypatch.setattr(Server, "look", counted)
        async with running(settings_of([mine, *cluster.addresses[1:]], table, cluster=FEW_LOOKS)) as data:
            started, connections = len(spent), proxy.connections
            for count in range(5):
                cluster_of(data)._monitor.look_soon(mine)
                await until(lambda count=count: len(spent) > started + count)  # type: ignore[misc]  # a default

        assert {after - before for before, after in pairwise(spent[started:])} == {1}
        assert proxy.connections == connections
