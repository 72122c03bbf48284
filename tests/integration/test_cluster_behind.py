"""Replicas that call themselves level and are not: the primary's numbers tell (contract C11.2, C11.3; ADR 46)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule
from myfy_data.engines.cluster.server import Server
from tests.asyncio_servers import PATIENCE
from tests.clusters.galera import GaleraCluster
from tests.clusters.installation import conninfo
from tests.clusters.mariadb import MariaCluster
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import HasAddress, host, role, running, settings_of, until
from tests.failover.relays import lines_to

MAX_LAG = 1.0
READS = {"from": "prefer-replica", "max_lag": MAX_LAG, "consistency": "eventual"}


@dataclass
class Readers:
    """Sessions that read."""

    data: DataModule
    port: str

    async def ports(self) -> Counter[int]:
        """The servers that six of them came to."""
        found: Counter[int] = Counter()
        for _ in range(6):
            async with self.data.session(read_only=True) as session:
                found[await session.scalar(text(self.port))] += 1
        return found


async def write(data: DataModule, number: int) -> None:
    async with data.session() as session:
        await session.execute(text("INSERT INTO t VALUES (:i)"), {"i": number})


def is_behind(data: DataModule, node: HasAddress) -> bool:
    return (host(data, node).lag or 0.0) > MAX_LAG


def lag_of(data: DataModule, address: str) -> float | None:
    return next(one.lag for one in data.cluster().hosts if one.address == address)


@pytest.mark.postgresql
async def test_a_standby_that_its_primary_does_not_reach_serves_nobody(cluster: PostgresqlCluster) -> None:
    """It streams as far as it knows, and has applied all that it received, for a minute and more."""
    asks = "SELECT status, pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() FROM pg_stat_wal_receiver"
    with cluster.database() as name:
        await asyncio.to_thread(cluster.n1.execute, "CREATE TABLE t (i int PRIMARY KEY)", database=name)
        async with lines_to([cluster.n1.port]) as lines:
            way = conninfo(cluster.n3.name, int(lines.addresses[0].rpartition(":")[2]))
            await asyncio.to_thread(cluster.n3.configure, primary_conninfo=way, wal_receiver_timeout="0")
            sent = f"SELECT sender_port FROM ({asks.replace('status', 'sender_port, status')}) r"
            await asyncio.to_thread(cluster.n3.await_answer, sent, int(way.partition("port=")[2].split()[0]))
            await asyncio.to_thread(cluster.await_replicas)
            settings = settings_of(f"postgresql://postgres@/{name}", cluster.addresses, reads=READS)
            async with running(settings) as data:
                readers = Readers(data, "SELECT inet_server_port()")
                await until(lambda: [host(data, node).lag for node in cluster.replicas] == [0.0, 0.0])
                lines.cut(0)
                await write(data, 1)
                await until(lambda: is_behind(data, cluster.n3))

                assert await asyncio.to_thread(cluster.n3.fetch, asks) == [("streaming", True)]
                assert (role(data, cluster.n3), host(data, cluster.n2).lag) == ("replica", 0.0)
                assert await readers.ports() == {cluster.n2.port: 6}


@pytest.mark.postgresql
async def test_a_read_that_waits_for_a_standby_that_hung_ends_before_that_goes_on(cluster: PostgresqlCluster) -> None:
    """Its answer would be of then, however long ago that is."""
    with cluster.database() as name:
        reads = {**READS, "from": "replica"}
        settings = settings_of(f"postgresql://postgres@/{name}", cluster.addresses, reads=reads, command_timeout=300.0)
        async with running(settings) as data:
            await until(lambda: [host(data, node).lag for node in cluster.replicas] == [0.0, 0.0])
            async with data.session(read_only=True) as session:
                port = await session.scalar(text("SELECT inet_server_port()"))
                [hung] = [node for node in cluster.replicas if node.port == port]
                await asyncio.to_thread(hung.freeze)
                with pytest.raises(DBAPIError) as cut_off:
                    async with asyncio.timeout(PATIENCE):
                        await session.scalar(text("SELECT 1"))
                assert (cut_off.value.connection_invalidated, role(data, hung)) == (True, "down")
                await session.rollback()


@pytest.mark.mysql
async def test_a_replica_that_its_primary_does_not_reach_serves_nobody_until_it_has_caught_up(
    maria: MariaCluster,
) -> None:
    """Both of its threads run, and it is 0 seconds behind what it received, until `slave_net_timeout`."""
    with maria.database() as name:
        await asyncio.to_thread(maria.m1.execute, "CREATE TABLE t (i int PRIMARY KEY)", database=name)
        async with lines_to([maria.m1.port]) as lines:
            port = lines.addresses[0].rpartition(":")[2]
            await asyncio.to_thread(maria.m2.configure, slave_net_timeout="3600")
            change = f"CHANGE MASTER TO master_port={port}, master_heartbeat_period=0"
            await asyncio.to_thread(maria.m2.execute, "STOP SLAVE", change, "START SLAVE")
            await asyncio.to_thread(maria.m2.await_position, maria.m1)
            settings = settings_of(f"mysql://app@/{name}", maria.addresses, reads=READS)
            async with running(settings) as data:
                readers = Readers(data, "SELECT @@port")
                await until(lambda: host(data, maria.m2).lag == 0.0)
                assert await readers.ports() == {maria.m2.port: 6}
                lines.cut(0)
                await write(data, 1)
                await until(lambda: is_behind(data, maria.m2))

                status = await asyncio.to_thread(maria.m2._slave_status)
                assert (status["Slave_IO_Running"], status["Seconds_Behind_Master"]) == ("Yes", 0)
                assert role(data, maria.m2) == "replica"
                assert await readers.ports() == {maria.m1.port: 6}

                lines.heal(0)
                await asyncio.to_thread(maria.m2.await_position, maria.m1)
                await until(lambda: host(data, maria.m2).lag == 0.0)
                assert await readers.ports() == {maria.m2.port: 6}


async def test_a_node_that_says_what_it_said_before_it_hung_serves_nobody(
    galera: GaleraCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does for a moment when it goes on; the moment lasts here."""
    said: dict[str, Any] = {}
    hung: set[str] = set()
    look = Server.look

    async def of_then(server: Server) -> Any:
        if server.address not in hung:
            said[server.address] = await look(server)
        return said[server.address]

    monkeypatch.setattr(Server, "look", of_then)
    with galera.table() as name:
        settings = settings_of(f"mysql://root@/{name}", galera.addresses, reads=READS)
        async with running(settings) as data:
            readers = Readers(data, "SELECT @@port")
            await until(lambda: sorted(one.role for one in data.cluster().hosts) == ["primary", "replica", "replica"])
            [stale, level] = [one.address for one in data.cluster().hosts if one.role == "replica"]
            hung.add(stale)
            await write(data, 1)
            await until(lambda: (lag_of(data, stale) or 0.0) > MAX_LAG)

            assert await readers.ports() == {int(level.rpartition(":")[2]): 6}
            hung.clear()
            await until(lambda: lag_of(data, stale) == 0.0)
