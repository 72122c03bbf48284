"""One profile, three nodes of Galera: which takes the writes, which read, which are left (contract C11.3; ADR 46)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import ClusterError, CommitOutcomeUnknown, DatabaseSettings, DataModule
from tests.asyncio_servers import PATIENCE
from tests.clusters.galera import GaleraCluster, GaleraNode
from tests.clusters.profiles import Writers, host, role, running, settings_of, until

ENDLESS = "SELECT SLEEP(300)"


@pytest.fixture
def table(galera: GaleraCluster) -> Iterator[str]:
    """A database with a table, on each node."""
    with galera.table() as name:
        yield name


def profile(galera: GaleraCluster, database: str, **more: Any) -> DatabaseSettings:
    return settings_of(f"mysql://root@/{database}", galera.addresses, **more)


async def ports(data: DataModule, times: int = 6, statement: str = "SELECT @@port", **options: Any) -> Counter[int]:
    """The nodes that so many sessions came to."""
    found: Counter[int] = Counter()
    for _ in range(times):
        async with data.session(**options) as session:
            found[await session.scalar(text(statement))] += 1
    return found


def writer_and_others(galera: GaleraCluster, data: DataModule) -> tuple[GaleraNode, list[GaleraNode]]:
    """The node that takes the writes, and those that do not: on a busy machine the first one may answer too late."""
    [writer] = [node for node in galera.nodes if node.address == data.cluster().primary]
    return writer, [node for node in galera.nodes if node is not writer]


async def stored(node: GaleraNode, database: str) -> set[int]:
    """What a node has, once it has all that was committed."""
    rows = await asyncio.to_thread(node.fetch, "SET STATEMENT wsrep_sync_wait = 1 FOR SELECT i FROM t", database)
    return {row[0] for row in rows}


async def test_one_node_takes_the_writes_and_the_others_serve_readers(galera: GaleraCluster, table: str) -> None:
    async with running(profile(galera, table, reads={"from": "prefer-replica"})) as data:
        await until(lambda: sorted(host.role for host in data.cluster().hosts) == ["primary", "replica", "replica"])
        async with data.session(read_only=True) as one, data.session(read_only=True) as two:
            together = {await one.scalar(text("SELECT @@port")), await two.scalar(text("SELECT @@port"))}

        writer, others = writer_and_others(galera, data)
        assert together == {node.port for node in others}, "the least used one serves"
        assert writer.port not in await ports(data, read_only=True)
        assert await ports(data) == {writer.port: 6}


@pytest.mark.parametrize("way", ["kill", "freeze"])
async def test_writers_go_on_with_another_node(galera: GaleraCluster, table: str, way: str) -> None:
    """Nothing that was acknowledged is lost, no connection is held after it, and a node that is back reads."""
    async with running(profile(galera, table)) as data:
        writers = Writers(data)
        async with writers.at_work():
            lost, others = writer_and_others(galera, data)
            await asyncio.to_thread(getattr(lost, way))
            await until(lambda: data.cluster().primary in [node.address for node in others])

        assert data.pool_status().checked_out == 0
        for node in others:
            assert writers.acknowledged <= await stored(node, table)
        assert writers.refused == []
        if way == "freeze":
            await asyncio.to_thread(lost.resume)
            await until(lambda: role(data, lost) == "replica")
            assert data.cluster().primary in [node.address for node in others]


async def test_a_node_that_is_not_synchronised_serves_nobody_new(galera: GaleraCluster, table: str) -> None:
    """What is in use there goes on: the node is with its cluster."""
    async with running(profile(galera, table, reads={"from": "prefer-replica"})) as data:
        async with data.session() as session:
            await session.execute(text("INSERT INTO t VALUES (1)"))
            donor, others = writer_and_others(galera, data)
            await asyncio.to_thread(donor.desync)
            await until(lambda: data.cluster().primary in [node.address for node in others])

        assert await stored(others[0], table) == {1}
        assert (role(data, donor), host(data, donor).lag) == ("replica", None)
        assert host(data, donor).error == "the node is not synchronised (Donor/Desynced)"
        assert donor.port not in await ports(data) + await ports(data, read_only=True)


async def test_a_node_that_lost_its_majority_is_left(galera: GaleraCluster, table: str) -> None:
    """It answers, and would take nothing; what waits there is cut off, and the next session is told of every node."""
    soon = {"heartbeat": 1.0, "failover_timeout": 2.0}
    async with running(profile(galera, table, cluster=soon, command_timeout=300.0)) as data:
        waiting = asyncio.create_task(ports(data, 1, statement=ENDLESS))
        await until(lambda: data.cluster().primary is not None)
        left, _ = writer_and_others(galera, data)
        await asyncio.to_thread(left.await_statement, ENDLESS)
        with pytest.raises(CommitOutcomeUnknown):
            async with data.session() as session:
                await session.execute(text("INSERT INTO t VALUES (1)"))
                await asyncio.to_thread(galera.lose_majority, left)
                await until(lambda: role(data, left) == "stale")

        with pytest.raises(DBAPIError) as cut_off:
            async with asyncio.timeout(PATIENCE):
                await waiting
        assert cut_off.value.connection_invalidated
        with pytest.raises(ClusterError, match="not in its cluster's primary component") as caught:
            await ports(data, 1)
        assert sorted(server.role for server in caught.value.servers) == ["down", "down", "stale"]
        assert data.pool_status().checked_out == 0
