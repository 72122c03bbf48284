"""The clusters of the campaign, and what can happen to each."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from tests.clusters.installation import conninfo
from tests.clusters.node import Node
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.waiting import AWAY
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


class Server(Protocol):
    """The server that is the primary at first, to which things happen; each blocks."""

    port: int

    @property
    def is_running(self) -> bool:
        """Whether its process has not ended; a frozen one has not."""
        ...

    def fetch(self, statement: str, database: str) -> list[Any]:
        """The rows of a statement."""
        ...

    def kill(self) -> None:
        """It ends at once."""
        ...

    def freeze(self) -> None:
        """It accepts, and answers nothing."""
        ...

    def resume(self) -> None:
        """It goes on where it was."""
        ...


S = TypeVar("S", bound=Server)


class Failing(ABC, Generic[S]):
    """As `Stage`: what can happen to a cluster's first primary, and what it has afterwards.

    Args:
        target: where clients find the cluster.
        old: the primary.
        cut: cuts the network between clients and it; None where clients have another way.

    Attributes:
        target: as the argument.
        old: as the argument.
    """

    LATE: str
    """The rows that a server took after a moment."""

    def __init__(self, target: Target, old: S, cut: Callable[[], object] | None = None) -> None:
        self.target = target
        self.old = old
        self._cut = cut

    @abstractmethod
    async def succeed(self, moments: Moments) -> None:
        """Let another server take the writes, or wait until one does."""

    @property
    @abstractmethod
    def present(self) -> Server:
        """The server that takes writes now."""

    @property
    def deposed_ports(self) -> set[int]:
        """As `Stage`."""
        return set() if self.present is self.old else {self.old.port}

    async def stored(self) -> set[int]:
        """As `Stage`."""
        present = await asyncio.to_thread(lambda: self.present)
        rows = await asyncio.to_thread(present.fetch, "SELECT i FROM written", self.target.database)
        return {row[0] for row in rows}

    async def strays(self, since: float) -> set[int]:
        """As `Stage`; a server that does not run took nothing."""
        if not self.old.is_running:
            return set()
        await asyncio.to_thread(self.old.resume)
        try:
            found = await asyncio.to_thread(self.old.fetch, self.LATE.format(since=since), self.target.database)
        except AWAY:  # it is just being taken back, or knows by now that it is outside of its cluster
            return set()
        return {row[0] for row in found} - await self.stored()

    async def kill(self, moments: Moments) -> None:
        """The primary's processes end at once."""
        await asyncio.to_thread(self.old.kill)
        await self.succeed(moments)

    async def freeze(self, moments: Moments) -> None:
        """The primary's machine hangs."""
        await asyncio.to_thread(self.old.freeze)
        await self.succeed(moments)

    async def cut(self, moments: Moments) -> None:
        """The network between clients and primary is cut."""
        assert self._cut is not None
        self._cut()
        await self.succeed(moments)

    async def resume_old(self, moments: Moments) -> None:
        """The primary's machine hangs, and goes on when it has a successor; it may still take writes."""
        await self.freeze(moments)
        await asyncio.sleep(RESUMED_AFTER)
        await asyncio.to_thread(self.old.resume)


class Replicated(Failing[Node]):
    """Three servers of PostgreSQL's own streaming replication, one standby synchronous, with no manager."""

    LATE = "SELECT i FROM written WHERE at > to_timestamp({since})"

    def __init__(self, cluster: PostgresqlCluster, target: Target, cut: Callable[[], object]) -> None:
        super().__init__(target, cluster.n1, cut)
        self.cluster = cluster
        self._present = cluster.n1

    @property
    def present(self) -> Node:
        """As `Failing`."""
        return self._present

    async def succeed(self, moments: Moments) -> None:
        """What a cluster manager does: promote the synchronous standby, and let the other one follow it."""
        await asyncio.to_thread(self.cluster.n2.promote)
        moments.promote()
        self._present = self.cluster.n2
        following = conninfo(self.cluster.n3.name, self.cluster.n2.port)
        await asyncio.to_thread(self.cluster.n3.configure, primary_conninfo=following)

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
                yield Replicated(self._cluster, Target(lines.addresses, database), partial(lines.cut, 0))

    def _prepare(self, database: str) -> None:
        self._cluster.n1.execute(*TABLE, database=database)
        self._cluster.await_replicas()
