"""The clusters of the campaign, and what can happen to each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from tests.clusters.node import Node
from tests.clusters.postgresql import PostgresqlCluster
from tests.failover.clients import Target
from tests.failover.relays import lines_to
from tests.failover.work import Moments

TABLE = (
    "CREATE TABLE written (i int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())",
    "INSERT INTO written (i) VALUES (0)",
)

RESUMED_AFTER = 4.0
"""Seconds for which a primary hangs before it goes on, unaware of its successor."""


class Stage(Protocol):
    """A cluster as one run finds it."""

    @property
    def target(self) -> Target:
        """Where clients find it."""
        ...

    @property
    def deposed_ports(self) -> set[int]:
        """Servers that were primary, and are not any more, whatever they say."""
        ...

    async def stored(self) -> set[int]:
        """The rows that the present primary has."""
        ...

    async def strays(self, since: float) -> set[int]:
        """Rows that a deposed server took after its successor did, by the wall's clock."""
        ...


Event = Callable[..., Awaitable[None]]


class Scene(Protocol):
    """A kind of cluster.

    Attributes:
        title: what it is, in a few words.
        events: what can happen to it, by name.
        detection: seconds that what stands in front of the servers may need to notice a new primary.
    """

    @property
    def title(self) -> str: ...
    @property
    def events(self) -> Mapping[str, Event]: ...
    @property
    def detection(self) -> float: ...

    def stage(self) -> AbstractAsyncContextManager[Stage]:
        """The cluster as it was made, with the table and a synchronous standby."""
        ...


class Replicated:
    """Three servers of PostgreSQL's own streaming replication, one standby synchronous, with no manager.

    Attributes:
        target: where clients find it.
    """

    def __init__(self, cluster: PostgresqlCluster, target: Target, cut: Callable[[int], None]) -> None:
        self.cluster = cluster
        self.target = target
        self._cut = cut
        self.primary: Node = cluster.n1

    @property
    def deposed_ports(self) -> set[int]:
        """As `Stage`."""
        return set() if self.primary is self.cluster.n1 else {self.cluster.n1.port}

    async def stored(self) -> set[int]:
        """As `Stage`."""
        rows = await asyncio.to_thread(self.primary.fetch, "SELECT i FROM written", self.target.database)
        return {row[0] for row in rows}

    async def strays(self, since: float) -> set[int]:
        """As `Stage`; a server that does not run took nothing."""
        old = self.cluster.n1
        if self.primary is old or not old.is_running:
            return set()
        await asyncio.to_thread(old.resume)
        late = f"SELECT i FROM written WHERE at > to_timestamp({since})"
        found = await asyncio.to_thread(old.fetch, late, self.target.database)
        return {row[0] for row in found} - await self.stored()  # a standby by now, it has its successor's rows

    async def succeed(self, moments: Moments) -> None:
        """What a cluster manager does: promote the synchronous standby, and let the other one follow it."""
        await asyncio.to_thread(self.cluster.n2.promote)
        moments.promote()
        self.primary = self.cluster.n2
        await asyncio.to_thread(self.cluster.n3.configure, primary_conninfo=self.conninfo)

    @property
    def conninfo(self) -> str:
        """How the other standby reaches the new primary."""
        return f"host=127.0.0.1 port={self.cluster.n2.port} user=postgres application_name=n3"

    async def kill(self, moments: Moments) -> None:
        """The primary's processes end at once."""
        await asyncio.to_thread(self.cluster.n1.kill)
        await self.succeed(moments)

    async def freeze(self, moments: Moments) -> None:
        """The primary's machine hangs."""
        await asyncio.to_thread(self.cluster.n1.freeze)
        await self.succeed(moments)

    async def cut(self, moments: Moments) -> None:
        """The network between clients and primary is cut."""
        self._cut(0)
        await self.succeed(moments)

    async def switch_over(self, moments: Moments) -> None:
        """The primary is shut down in peace, its standby promoted, and it comes back as a standby."""
        await asyncio.to_thread(self.cluster.n1.stop)
        await self.succeed(moments)
        await asyncio.to_thread(self.cluster.n1.rejoin, self.cluster.n2)

    async def lose_replica(self, _: Moments) -> None:
        """The replica that is not synchronous ends at once."""
        await asyncio.to_thread(self.cluster.n3.kill)

    async def stale_replica(self, _: Moments) -> None:
        """The same one receives, and does not apply any more."""
        await asyncio.to_thread(self.cluster.n3.pause_replay)

    async def resume_old(self, moments: Moments) -> None:
        """The primary's machine hangs, and goes on when it has a successor; it still takes writes."""
        await self.freeze(moments)
        await asyncio.sleep(RESUMED_AFTER)
        await asyncio.to_thread(self.cluster.n1.resume)


class Replication:
    """As `Scene`, for PostgreSQL's own replication."""

    title = "PostgreSQL, a primary and two standbys, one of them synchronous"
    detection = 0.0
    events: Mapping[str, Event] = {
        "kill": Replicated.kill,
        "freeze": Replicated.freeze,
        "network cut": Replicated.cut,
        "switchover": Replicated.switch_over,
        "replica lost": Replicated.lose_replica,
        "replica stale": Replicated.stale_replica,
        "old primary resumed": Replicated.resume_old,
    }

    def __init__(self, cluster: PostgresqlCluster) -> None:
        self._cluster = cluster

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Replicated]:
        """As `Scene`."""
        await asyncio.to_thread(self._cluster.reset)
        await asyncio.to_thread(self._cluster.replicate_synchronously, "n2")
        await asyncio.to_thread(self._cluster.n2.configure, synchronous_standby_names="")
        with self._cluster.database() as database:
            await asyncio.to_thread(self._prepare, database)
            async with lines_to([node.port for node in self._cluster.nodes]) as lines:
                yield Replicated(self._cluster, Target(lines.addresses, database), lines.cut)

    def _prepare(self, database: str) -> None:
        self._cluster.n1.execute(*TABLE, database=database)
        self._cluster.await_replicas()
