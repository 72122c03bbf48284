"""Reads that must find what was written: from a replica that has it, within `reads.wait` (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only

from myfy_data.engines.cluster import own_writes
from myfy_data.engines.cluster.errors import ReplicaUnavailable, nothing_fresh
from myfy_data.engines.cluster.monitor import Monitor
from myfy_data.engines.cluster.position_asker import Answer, PositionAsker
from myfy_data.engines.cluster.route import Route
from myfy_data.engines.cluster.server import Server
from myfy_data.engines.cluster.wanted import Wanted, wanted_of
from myfy_data.engines.connect.backend import AnyBackend, adapted
from myfy_data.engines.connect.position import Position
from myfy_data.settings.database_settings import DatabaseSettings

T = TypeVar("T", Connection, PoolProxiedConnection)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two questions to the replicas: most are a few milliseconds behind."""


class Readers(Protocol):
    """The servers of a profile."""

    settings: DatabaseSettings

    def check_usable(self) -> None:
        """Refuse to go on with servers that were closed or replaced."""

    def replica(self, route: Route, without: set[str]) -> Server | None:
        """The least used replica that serves and is not one of these; waits for the first looks."""
        ...

    def try_to_connect(self, server: Server, connect: Callable[[Engine], T]) -> T | None:
        """A connection of a server for reads; None where it cannot be reached."""
        ...


class FreshReads:
    """The reads of one profile that must find something.

    Args:
        profile: the profile's name.
        readers: its servers.
        servers: the same by address.
        monitor: gives what looks at them.
    """

    def __init__(
        self, profile: str, readers: Readers, servers: Mapping[str, Server], monitor: Callable[[], Monitor]
    ) -> None:
        self._profile = profile
        self._readers = readers
        self._servers = servers
        self._monitor = monitor
        self._asker = PositionAsker(self._ask_primary)

    def ask_position(self) -> Answer | None:
        """How far the primary will have come, asked now; None where no read would need it (contract C11.4)."""
        reads = self._readers.settings.reads
        return self._asker.soon() if reads.consistency == "session" and reads.from_ != "primary" else None

    async def _ask_primary(self) -> Position | None:
        monitor = self._monitor()
        address = monitor.succession.primary
        if address is None:
            return None
        try:
            async with asyncio.timeout(self._readers.settings.cluster.heartbeat):
                return await self._servers[address].position()
        except Exception:  # noqa: BLE001 - whatever it is, nothing is known, and the monitor finds out why
            monitor.look_soon(address)
            return None

    async def stop(self) -> None:
        """Ask no more."""
        await self._asker.stop()

    def wanted(self, after: str | None) -> Wanted | None:
        """What a read must find here and now; None for what any replica that may serve has.

        Args:
            after: a token that the caller passed.
        """
        own = own_writes.written(self._profile, self._readers.settings)
        if own is None and after is None:
            return None
        monitor = self._monitor()
        primary = monitor.succession.primary
        return wanted_of(after, own, monitor.sights[primary].look if primary is not None else None)

    def take(self, route: Route, wanted: Wanted, connect: Callable[[Engine], T]) -> T | None:
        """A connection of a replica that has what is wanted; None when the primary is to serve.

        Raises:
            ReplicaUnavailable: only a replica may serve, and none has it.
        """
        is_replica_alone = route.source == "replica"
        may_ask = not wanted.refusal and (is_replica_alone or not wanted.is_open)
        found = self._take(route, wanted, connect) if may_ask and self._readers.settings.reads.wait > 0 else None
        if found is None and is_replica_alone:
            self._readers.check_usable()  # else it is the end that was met, and no replica that lacks something
            raise self._unavailable(wanted)
        return found

    def take_of(self, server: Server, wanted: Wanted, connect: Callable[[Engine], T]) -> T | None:
        """A connection of this replica; None when it has not what is wanted, or that cannot be shown by a question."""
        wait = self._readers.settings.reads.wait
        if wanted.refusal or wanted.is_open or wait <= 0:
            return None
        return self._from(server, wanted.positions, connect, asyncio.get_running_loop().time() + wait)

    def _unavailable(self, wanted: Wanted) -> ReplicaUnavailable:
        hosts = self._monitor().hosts()
        return nothing_fresh(self._profile, hosts, self._readers.settings, wanted.refusal, wanted.seconds)

    def _take(self, route: Route, wanted: Wanted, connect: Callable[[Engine], T]) -> T | None:
        server = self._readers.replica(route, set())
        deadline = asyncio.get_running_loop().time() + self._readers.settings.reads.wait
        positions = self._positions(wanted, deadline) if server is not None else None
        if positions is None:
            return None
        behind: set[str] = set()
        pause = _FIRST_PAUSE
        while True:
            if server is None:
                if asyncio.get_running_loop().time() + pause >= deadline:
                    return None
                await_only(asyncio.sleep(pause))
                pause = min(2 * pause, _LONGEST_PAUSE)
                behind.clear()
            elif (connection := self._from(server, positions, connect, deadline)) is not None:
                return connection
            else:
                behind.add(server.address)
            server = self._readers.replica(route, behind)

    def _positions(self, wanted: Wanted, deadline: float) -> tuple[str, ...] | None:
        """What a replica must have applied; None where that cannot be found out."""
        if not wanted.is_open:
            return wanted.positions
        # Where the primary is now is behind all that was committed before.
        position = await_only(_answer_of(self._asker, deadline))
        return (*wanted.positions, position.text) if position is not None else None

    def _from(
        self, server: Server, positions: tuple[str, ...], connect: Callable[[Engine], T], deadline: float
    ) -> T | None:
        connection = self._readers.try_to_connect(server, connect)
        if connection is None:
            return None
        if self._has_all(server, connection, positions, deadline):
            return connection
        connection.close()
        return None

    def _has_all(
        self,
        server: Server,
        connection: Connection | PoolProxiedConnection,
        positions: tuple[str, ...],
        deadline: float,
    ) -> bool:
        backend = server.writer.backend
        pooled = connection.connection if isinstance(connection, Connection) else connection
        try:
            row = adapted(pooled.dbapi_connection).run_async(
                partial(_ask, backend, backend.positions.applied(positions), deadline)
            )
        except BaseException as error:
            backend.abort(pooled.driver_connection)
            pooled.invalidate(error)
            if not isinstance(error, Exception):
                connection.close()
                raise
            self._monitor().look_soon(server.address)
            return False
        return all(backend.positions.reaches(row, one) for one in positions)


async def _ask(backend: AnyBackend, question: str, deadline: float, driver: object) -> Sequence[object]:
    async with asyncio.timeout_at(deadline):
        [row] = await backend.ask(driver, question)
    answers: Sequence[object] = row
    return answers


async def _answer_of(asker: PositionAsker, deadline: float) -> Position | None:
    answer = asker.soon()
    await asyncio.wait([answer], timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    return answer.result() if answer.done() else None
