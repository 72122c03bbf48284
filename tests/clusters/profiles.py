"""A profile whose servers are a cluster of the tests: modules on it, what it knows of them, and tasks that write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import ClusterError, CommitOutcomeUnknown, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.cluster.status import HostStatus
from tests.asyncio_servers import PATIENCE

FAST: Mapping[str, float] = {"heartbeat": 1.0, "failover_timeout": 60.0}


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
        yield data


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the monitor will find out."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


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
