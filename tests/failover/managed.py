"""Three servers that Patroni manages, bare and behind proxies: who succeeds is its choice, not the campaign's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.clusters.cluster import new_name
from tests.clusters.patroni import PatroniCluster, PatroniNode
from tests.failover.clients import Target
from tests.failover.scenes import TABLE, Event, Failing, Replicated
from tests.failover.work import Moments

SUCCESSION = 120.0
"""Seconds for Patroni to make another server the leader."""

SYNCHRONOUS = "SELECT application_name FROM pg_stat_replication WHERE sync_state = 'sync'"


class Managed(Failing[PatroniNode]):
    """Three servers under Patroni."""

    LATE = Replicated.LATE

    def __init__(self, cluster: PatroniCluster, target: Target, leader: PatroniNode) -> None:
        super().__init__(target, leader, leader.cut)
        self.cluster = cluster

    @property
    def present(self) -> PatroniNode:
        """As `Failing`; it waits for a leader."""
        return self.cluster.await_leader()

    @property
    def deposed_ports(self) -> set[int]:
        """As `Stage`: the old leader; asked only where another one succeeded it."""
        return {self.old.port}

    async def succeed(self, moments: Moments) -> None:
        """Wait until Patroni has made another one the leader."""
        others = [node for node in self.cluster.nodes if node is not self.old]
        await asyncio.to_thread(self.cluster.await_leader, others, SUCCESSION)
        moments.promote()

    async def switch_over(self, moments: Moments) -> None:
        """An administrator asks for another leader."""
        successor = asyncio.create_task(self.succeed(moments))
        while not successor.done() and not await asyncio.to_thread(self.old.switch_over, await self._synchronous()):
            await asyncio.sleep(1.0)  # Patroni refuses while the standby is just another one
        await successor

    async def lose_replica(self, _: Moments) -> None:
        """The machine of the replica that is not synchronous is gone."""
        kept = (self.old, await self._synchronous())
        await asyncio.to_thread(next(node for node in self.cluster.nodes if node not in kept).kill)

    async def _synchronous(self) -> PatroniNode:
        [(name,)] = await asyncio.to_thread(self.old.fetch, SYNCHRONOUS)
        return next(node for node in self.cluster.nodes if node.name == name)


Front = Callable[[PatroniCluster, str], AbstractAsyncContextManager[Target]]
"""Where clients find a database of the cluster: the servers, or what stands in front of them."""


@asynccontextmanager
async def bare(cluster: PatroniCluster, database: str) -> AsyncIterator[Target]:
    """The servers."""
    yield Target(cluster.addresses, database)


@dataclass(frozen=True)
class ManagedScene:
    """As `Scene`, under Patroni.

    Attributes:
        cluster: the servers.
        title: what it is.
        front: where clients find it.
        events: what happens.
        detection: seconds that what stands in front may need to notice a new leader.
    """

    cluster: PatroniCluster
    title: str
    front: Front
    events: Mapping[str, Event]
    detection: float = 0.0

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Managed]:
        """As `Scene`."""
        leader = await asyncio.to_thread(self.cluster.heal)
        database = new_name()
        await asyncio.to_thread(leader.server.execute, f"CREATE DATABASE {database}")
        for statement in TABLE:
            await asyncio.to_thread(leader.fetch, statement, database)
        await asyncio.to_thread(self.cluster.await_whole)
        async with self.front(self.cluster, database) as target:
            yield Managed(self.cluster, target, leader)


EVERY: Mapping[str, Event] = {
    "kill": Managed.kill,
    "freeze": Managed.freeze,
    "network cut": Managed.cut,
    "switchover": Managed.switch_over,
    "replica lost": Managed.lose_replica,
    "old primary resumed": Managed.resume_old,
}
SHORT: Mapping[str, Event] = {name: EVERY[name] for name in ("kill", "freeze", "network cut", "switchover")}
