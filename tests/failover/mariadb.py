"""MariaDB with a replica by GTID, and Galera: what can happen to them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from tests.clusters.galera import GaleraCluster, GaleraNode
from tests.clusters.mariadb import MariaCluster, MariaNode
from tests.failover.clients import HEARTBEAT, Target
from tests.failover.relays import Lines, lines_to
from tests.failover.scenes import Event, Failing
from tests.failover.work import Moments

TABLE = (
    "CREATE TABLE written (i INT PRIMARY KEY, at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
    "INSERT INTO written (i) VALUES (0)",
)

N = TypeVar("N", MariaNode, GaleraNode)


class OnMariaDB(Failing[N]):
    """The first server fails, and the second one succeeds it."""

    LATE = "SELECT i FROM written WHERE at > FROM_UNIXTIME({since})"

    def __init__(self, nodes: Sequence[N], target: Target, lines: Lines) -> None:
        super().__init__(target, nodes[0], partial(lines.cut, 0))
        self.nodes = nodes
        self._is_succeeded = False

    @property
    def present(self) -> N:
        """As `Failing`."""
        return self.nodes[1] if self._is_succeeded else self.old

    async def succeed(self, moments: Moments) -> None:
        """Let the second server take the writes, as what manages them does."""
        await self.let_succeed()
        self._is_succeeded = True
        moments.promote()

    @abstractmethod
    async def let_succeed(self) -> None:
        """Whatever it takes."""


class OnReplica(OnMariaDB[MariaNode]):
    """A primary and its replica."""

    async def let_succeed(self) -> None:
        """As `OnMariaDB`."""
        await asyncio.to_thread(self.nodes[1].promote)

    async def switch_over(self, moments: Moments) -> None:
        """The primary takes no more writes, its replica all of them, and it follows that one."""
        await asyncio.to_thread(self.old.demote)
        await self.succeed(moments)
        await asyncio.to_thread(self.old.configure, rpl_semi_sync_master_enabled="OFF")
        await asyncio.to_thread(self.old.join, self.nodes[1], "current_pos")

    async def stale_replica(self, _: Moments) -> None:
        """The replica receives, and does not apply any more."""
        await asyncio.to_thread(self.nodes[1].pause_replay)


class OnGalera(OnMariaDB[GaleraNode]):
    """Nodes, of which each takes writes."""

    async def let_succeed(self) -> None:
        """The others go on without the first one, where that is lost and not only the way of clients to it."""
        if self.old.is_away:
            await asyncio.to_thread(self.nodes[1].await_status, "wsrep_cluster_size", "2")

    async def lose_replica(self, moments: Moments) -> None:
        """A node that takes no writes of ours ends at once; the others wait for it for a moment."""
        await asyncio.to_thread(self.nodes[2].kill)
        await asyncio.to_thread(self.old.await_status, "wsrep_cluster_size", "2")
        moments.promote()


LOST: Mapping[str, Event] = {
    "kill": Failing.kill,
    "freeze": Failing.freeze,
    "network cut": Failing.cut,
    "old primary resumed": Failing.resume_old,
}


class Replicated:
    """As `Scene`, for a MariaDB primary and its semi-synchronous replica."""

    title = "MariaDB, a primary and a semi-synchronous replica by GTID"
    detection = 0.0
    events: Mapping[str, Event] = {
        **LOST,
        "switchover": OnReplica.switch_over,
        "replica stale": OnReplica.stale_replica,
    }

    def __init__(self, cluster: MariaCluster) -> None:
        self._cluster = cluster

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[OnMariaDB]:
        """As `Scene`."""
        cluster = self._cluster
        await asyncio.to_thread(cluster.reset)
        await asyncio.to_thread(cluster.replicate_synchronously)
        with cluster.database() as database:
            await asyncio.to_thread(cluster.m1.execute, *TABLE, database=database)
            await asyncio.to_thread(cluster.m2.await_position, cluster.m1)
            async with lines_to([node.port for node in cluster.nodes]) as lines:
                target = Target(lines.addresses, database, driver="mysql", user="app")
                yield OnReplica(cluster.nodes, target, lines)


class Synchronous:
    """As `Scene`, for three nodes of Galera."""

    title = "Galera, three nodes"
    detection = HEARTBEAT  # each node says that it takes writes, so that one is left after two missed looks
    events: Mapping[str, Event] = {**LOST, "replica lost": OnGalera.lose_replica}

    def __init__(self, cluster: GaleraCluster) -> None:
        self._cluster = cluster

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[OnMariaDB]:
        """As `Scene`."""
        cluster = self._cluster
        await asyncio.to_thread(cluster.reset)
        with cluster.table() as database:
            for statement in TABLE:
                await asyncio.to_thread(cluster.g1.fetch, statement, database)
            async with lines_to([node.port for node in cluster.nodes]) as lines:
                target = Target(lines.addresses, database, driver="mysql", user="root")
                yield OnGalera(cluster.nodes, target, lines)
