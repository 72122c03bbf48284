"""A profile whose servers are a cluster of the tests: modules on it, what it knows of them, and tasks that write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import ClusterError, CommitOutcomeUnknown, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.cluster.status import HostStatus
from tests.asyncio_servers import PATIENCE

FAST: Mapping[str, float] = {"heartbeat": 4.0, "failover_timeout": 60.0}
"""A look has so long for its answer, which is enough on a busy machine; `until` has servers looked at more often."""

_LOOKS = 1.0
"""Seconds between two looks at a server while a test waits for what they bring."""

_STARTED: list[DataModule] = []


class HasAddress(Protocol):
    """A server of a cluster."""

    @property
    def address(self) -> str:
        """Host and port, as `hosts` has them."""
        ...


def settings_of(url: str, addresses: list[str], **more: Any) -> DatabaseSettings:
    """A profile with these servers, which it looks at often."""
    more = {"cluster": FAST, "connect_timeout": 30.0, "command_timeout": 30.0, **more}
    return DatabaseSettings(database_url=url, hosts=addresses, **more)


@asynccontextmanager
async def running(settings: DatabaseSettings, **more: Any) -> AsyncIterator[DataModule]:
    """A module that has started, whose one profile is `main`."""
    async with DataModule(settings=DataSettings(profiles={"main": settings}), **more) as data:
        _STARTED.append(data)
        try:
            yield data
        finally:
            _STARTED.remove(data)


def cluster_of(data: DataModule) -> OpenCluster:
    """What a module has of its servers."""
    [opened] = data.engine_gate.registry.engines_of("main")
    assert isinstance(opened, OpenCluster)
    return opened


def set_failover_timeout(data: DataModule, seconds: float) -> None:
    """How long a checkout waits for a primary from now on; at the start a busy machine may need longer."""
    opened = cluster_of(data)
    cluster = opened.settings.cluster.model_copy(update={"failover_timeout": seconds})
    opened.settings = opened.settings.model_copy(update={"cluster": cluster})


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the monitor will find out."""
    now = asyncio.get_running_loop().time
    looked = now()
    async with asyncio.timeout(3 * PATIENCE):
        while not condition():
            if now() - looked > _LOOKS:
                looked = now()
                _look_soon()
            await asyncio.sleep(0.01)


def _look_soon() -> None:
    for opened in chain.from_iterable(data.engine_gate.registry.engines_of("main") for data in _STARTED):
        if isinstance(opened, OpenCluster) and opened.settings.cluster.heartbeat == FAST["heartbeat"]:
            for server in opened._monitor.hosts():
                opened._monitor.look_soon(server.address)


def host(data: DataModule, node: HasAddress) -> HostStatus:
    """What is known of a server."""
    return next(host for host in data.cluster().hosts if host.address == node.address)


def role(data: DataModule, node: HasAddress) -> str:
    """What a server is, as far as is known."""
    return host(data, node).role


class Writers:
    """Tasks that store numbers in the table `t` until they are told to stop, and note what became of each."""

    def __init__(self, data: DataModule) -> None:
        self.acknowledged: set[int] = set()
        self.errors: list[BaseException] = []
        self._data = data
        self._numbers = iter(range(1_000_000))
        self._is_over = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They have written before the block begins, and once more at its end."""
        tasks = [asyncio.create_task(self._write()) for _ in range(5)]
        try:
            await until(lambda: len(self.acknowledged) > 20)
            yield
            before = len(self.acknowledged)
            await until(lambda: len(self.acknowledged) > before + 20)
        finally:
            self._is_over = True
            await asyncio.gather(*tasks)

    @property
    def refused(self) -> list[DBAPIError]:
        """What was no lost connection."""
        failed = [error for error in self.errors if isinstance(error, DBAPIError)]
        return [error for error in failed if not error.connection_invalidated]

    async def _write(self) -> None:
        while not self._is_over:
            number = next(self._numbers)
            try:
                async with self._data.session() as session:
                    await session.execute(text("INSERT INTO t VALUES (:i)"), {"i": number})
            except (DBAPIError, CommitOutcomeUnknown, ClusterError) as error:
                self.errors.append(error)
            else:
                self.acknowledged.add(number)
