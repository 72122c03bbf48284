"""MariaDB with a replica by GTID, and Galera: what can happen to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from tests.clusters.galera import GaleraCluster, GaleraNode, three_nodes
from tests.clusters.mariadb import MariaCluster, MariaNode, mariadb_cluster
from tests.failover.clients import Target
from tests.failover.relays import Lines, lines_to
from tests.failover.scenes import RESUMED_AFTER, Event, Scene
from tests.failover.work import Moments

TABLE = (
    "CREATE TABLE written (i INT PRIMARY KEY, at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
    "INSERT INTO written (i) VALUES (0)",
)


class OnMariaDB:
    """As `Stage`: the first server fails, and the second one succeeds it.

    Attributes:
        target: where clients find it.
    """

    def __init__(self, nodes: Sequence[MariaNode | GaleraNode], target: Target, lines: Lines) -> None:
        self.target = target
        self.old, self.new, self.last = nodes[0], nodes[1], nodes[-1]
        self._lines = lines
        self._is_succeeded = False
        self._is_away = False

    @property
    def deposed_ports(self) -> set[int]:
        """As `Stage`."""
        return {self.old.port} if self._is_succeeded else set()

    async def stored(self) -> set[int]:
        """As `Stage`."""
        node = self.new if self._is_succeeded else self.old
        rows = await asyncio.to_thread(node.fetch, "SELECT i FROM written", self.target.database)
        return {row[0] for row in rows}

    async def strays(self, since: float) -> set[int]:
        """As `Stage`: of a server that goes on after it was frozen; a dead one took nothing."""
        if self._is_away:
            return set()
        late = f"SELECT i FROM written WHERE at > FROM_UNIXTIME({since})"
        found = await asyncio.to_thread(self.old.fetch, late, self.target.database)
        return {row[0] for row in found} - await self.stored()

    async def _succeed(self, moments: Moments) -> None:
        """Let the second server take the writes, as what manages them does."""
        if isinstance(self.new, MariaNode):
            await asyncio.to_thread(self.new.promote)
        elif self._is_away:  # where only the way of clients to it is cut, it stays a node
            await asyncio.to_thread(self.new.await_status, "wsrep_cluster_size", "2")
        self._is_succeeded = True
        moments.promote()

    async def kill(self, moments: Moments) -> None:
        """The first server's processes end at once."""
        self._is_away = True
        await asyncio.to_thread(self.old.kill)
        await self._succeed(moments)

    async def freeze(self, moments: Moments) -> None:
        """Its machine hangs."""
        self._is_away = True
        await asyncio.to_thread(self.old.freeze)
        await self._succeed(moments)

    async def resume_old(self, moments: Moments) -> None:
        """Its machine hangs, and goes on when it has a successor."""
        await self.freeze(moments)
        await asyncio.sleep(RESUMED_AFTER)
        await asyncio.to_thread(self.old.resume)
        self._is_away = False

    async def cut(self, moments: Moments) -> None:
        """The network between clients and the first server is cut."""
        self._lines.cut(0)
        await self._succeed(moments)

    async def switch_over(self, moments: Moments) -> None:
        """The primary takes no more writes, its replica all of them, and it follows that one."""
        assert isinstance(self.old, MariaNode)
        assert isinstance(self.new, MariaNode)
        await asyncio.to_thread(self.old.demote)
        await self._succeed(moments)
        await asyncio.to_thread(self.old.configure, rpl_semi_sync_master_enabled="OFF")
        await asyncio.to_thread(self.old.join, self.new, "current_pos")

    async def lose_replica(self, moments: Moments) -> None:
        """A node that takes no writes of ours ends at once; the others wait for it for a moment."""
        assert isinstance(self.old, GaleraNode)
        await asyncio.to_thread(self.last.kill)
        await asyncio.to_thread(self.old.await_status, "wsrep_cluster_size", "2")
        moments.promote()

    async def stale_replica(self, _: Moments) -> None:
        """The replica receives, and does not apply any more."""
        assert isinstance(self.new, MariaNode)
        await asyncio.to_thread(self.new.pause_replay)


LOST: Mapping[str, Event] = {
    "kill": OnMariaDB.kill,
    "freeze": OnMariaDB.freeze,
    "network cut": OnMariaDB.cut,
    "old primary resumed": OnMariaDB.resume_old,
}


class Replicated:
    """As `Scene`, for a MariaDB primary and its semi-synchronous replica."""

    title = "MariaDB, a primary and a semi-synchronous replica by GTID"
    detection = 0.0
    events: Mapping[str, Event] = {
        **LOST,
        "switchover": OnMariaDB.switch_over,
        "replica stale": OnMariaDB.stale_replica,
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
                yield OnMariaDB(cluster.nodes, target, lines)


class Synchronous:
    """As `Scene`, for three nodes of Galera."""

    title = "Galera, three nodes"
    detection = 0.0
    events: Mapping[str, Event] = {**LOST, "replica lost": OnMariaDB.lose_replica}

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
                yield OnMariaDB(cluster.nodes, target, lines)


@contextmanager
def mariadb() -> Iterator[Scene]:
    """A primary and its replica."""
    with mariadb_cluster() as cluster:
        yield Replicated(cluster)


@contextmanager
def galera() -> Iterator[Scene]:
    """Galera."""
    with three_nodes() as cluster:
        yield Synchronous(cluster)
