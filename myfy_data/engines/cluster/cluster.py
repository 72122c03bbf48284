"""The servers of one profile in one event loop: each connection from the right one (contract C11; ADR 32, 33)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.util import await_only

from myfy_data.engines.cluster import own_writes
from myfy_data.engines.cluster.choice import Choice
from myfy_data.engines.cluster.engine import ClusterEngine
from myfy_data.engines.cluster.errors import ClusterError, foreign_servers, is_unreachable, no_primary, no_replica
from myfy_data.engines.cluster.fresh_reads import FreshReads
from myfy_data.engines.cluster.listeners import join_server
from myfy_data.engines.cluster.monitor import Monitor
from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.cluster.route import Route
from myfy_data.engines.cluster.server import Server
from myfy_data.engines.cluster.servers import Servers
from myfy_data.engines.cluster.status import ClusterStatus
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.listeners.failover import is_reading, write_refusal
from myfy_data.engines.pool.errors import PoolExhausted
from myfy_data.engines.pool.loop_affinity import LoopAffinity, running_loop
from myfy_data.errors import closed_engine
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import reader_addresses

T = TypeVar("T", Connection, PoolProxiedConnection)


class _Replaced(Exception):
    """Another engine has taken the place of this one."""

    def __init__(self, by: Callable[[], OpenEngine | OpenCluster]) -> None:
        self.by = by


class OpenCluster:
    """As `OpenEngine`, for a profile with several servers.

    Args:
        profile: the profile's name.
        settings: the profile's settings.
        on_open: called with each server's engine that opens.
    """

    def __init__(self, profile: str, settings: DatabaseSettings, on_open: Callable[[OpenEngine], None]) -> None:
        self.profile = profile
        self.settings: DatabaseSettings = settings
        self.opened_at: float = time.monotonic()
        self.loop_affinity: LoopAffinity = LoopAffinity(profile, running_loop())
        self._on_open = on_open
        self._servers = Servers(profile, settings, self._opened)
        self._successor: Callable[[], OpenEngine | OpenCluster] | None = None
        self._engines: dict[Route, AsyncEngine] = {}
        self._first: ClusterEngine | None = None
        self._watch: Monitor | None = None
        self._news = asyncio.Event()
        self._is_closed = False
        self._choice = Choice(self._servers, self._watched, lambda: self.settings.reads.max_lag)
        self._fresh_reads = FreshReads(profile, self, self._servers, lambda: self._monitor)
        own_writes.keep_requests_apart()

    # -- engines -----------------------------------------------------------------------------------------------

    def engine_for(
        self, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> AsyncEngine:
        """The engine whose connections come from the servers that are meant, and have what a token stands for."""
        route = Route.of(self.settings, read_only=read_only, read_from=read_from, after=after)
        parent = self._first or next(iter(self._servers.values())).writer.engine.sync_engine
        if after is not None:
            return AsyncEngine(ClusterEngine(self, route, self._first or parent))
        if route not in self._engines:
            self._engines[route] = AsyncEngine(ClusterEngine(self, route, self._first or parent))
        return self._engines[route]

    @property
    def engines(self) -> Mapping[Route, AsyncEngine]:
        """What sessions were given, by what they asked for."""
        return self._engines

    @property
    def handles(self) -> list[OpenEngine]:
        """The engines of every server."""
        return self._servers.handles

    @property
    def size(self) -> int:
        """Connections that the primary's pool keeps, and those of replicas that served."""
        return self.settings.pool_size + sum(server.reads_size for server in self._servers.values())

    @property
    def pools(self) -> list[Pool]:
        """The pools of every server."""
        return self._servers.pools

    async def present(self, seconds: float | None = None) -> OpenEngine:
        """The primary's engine, as soon as there is one.

        Args:
            seconds: to wait for one; `failover_timeout` when None.

        Raises:
            ClusterError: there was none within that time.
        """
        seconds = self.settings.cluster.failover_timeout if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._present()
        except TimeoutError:
            raise self._unserved(seconds) from None
        except _Replaced as replaced:
            return await replaced.by().present(seconds)

    async def _present(self) -> OpenEngine:
        route = Route.of(self.settings)
        deadline = self._deadline()
        while (server := self._choice.choose(route)) is None:
            await self.wait_for_change(route, deadline)
        return self._handle(server)

    def _opened(self, server: Server, handle: OpenEngine) -> None:
        engine = handle.engine.sync_engine
        event.listen(engine, "handle_error", partial(self._on_error, server))
        if self._first is None:  # the one that applications get: its listeners hear every server, readers too
            route = Route.of(self.settings)
            self._first = ClusterEngine(self, route, engine)
            self._engines[route] = AsyncEngine(self._first)
        join_server(engine, self._first.dialect, self._first.pool)
        self._on_open(handle)

    def _on_error(self, server: Server, context: ExceptionContext) -> None:
        error, connection = context.original_exception, context.connection
        if write_refusal(error) is not None:
            if connection is None or not is_reading(connection):  # what reads is refused wherever it writes
                self._monitor.doubt(server.address)
        elif context.is_disconnect or isinstance(error, TimeoutError | OSError):
            self._monitor.look_soon(server.address)

    def adopt(self, settings: DatabaseSettings) -> Iterator[tuple[OpenEngine, DatabaseSettings]]:
        """Use other settings from now on, those of readers included; each engine with its own (contract C12.5)."""
        self.settings = settings
        yield from self._servers.adopt(settings)
        if self._watch is not None:
            self._watch.adopt(settings.cluster.heartbeat, frozenset(reader_addresses(settings)))

    def lead_to(self, successor: Callable[[], OpenEngine | OpenCluster]) -> None:
        """Take each further connection from another engine of the profile; who waits for a server does so too."""
        self._successor = successor
        self.loop_affinity.call_there(self.wake)

    def ask_position(self) -> Answer | None:
        """How far the primary will have come, asked now; None where no read would need it."""
        now = self._now
        if now is not self:
            return now.ask_position() if now is not None else None
        return self._fresh_reads.ask_position()

    @property
    def _now(self) -> OpenCluster | None:
        """Itself, or what took its place; None where that has one server alone."""
        present = self._successor() if self._successor is not None else self
        return present if isinstance(present, OpenCluster) else None

    # -- a connection ------------------------------------------------------------------------------------------

    def take(self, route: Route, connect: Callable[[Engine], T]) -> T:
        """A connection of a server that fits; waits for one. Called inside SQLAlchemy's greenlet.

        Args:
            route: which servers may serve.
            connect: takes a connection of a server's engine.

        Raises:
            ClusterError: no server could serve within `failover_timeout`.
            ReplicaUnavailable: only a replica may serve, and there is none.
            PoolExhausted: every connection of the server stayed in use for `pool_timeout`.
            DataModuleNotConfiguredError: it was closed.
        """
        try:
            return self._take(route, connect)
        except _Replaced as replaced:
            present = replaced.by()
            if isinstance(present, OpenCluster):
                return present.take(route, connect)
            return connect(present.engine_for(read_only=route.read_only).sync_engine)

    def _take(self, route: Route, connect: Callable[[Engine], T]) -> T:
        self.check_usable()
        wanted = self._fresh_reads.wanted(route.after) if route.source != "primary" else None
        if wanted is not None:
            connection = self._fresh_reads.take(route, wanted, connect)
            if connection is not None:
                return connection
            route = Route(read_only=True, source="primary")
        deadline = self._deadline()
        shunned: set[str] = set()
        while True:
            server = self._choice.choose(route, shunned)
            if server is None:
                await_only(self.wait_for_change(route, deadline))
                shunned.clear()
                continue
            connection = self.try_to_connect(server, connect, read_only=route.read_only)
            if connection is not None:
                return connection
            shunned.add(server.address)

    def address_of(self, engine: Engine) -> str | None:
        """The server that an engine leads to; None where it is none of these."""
        now = self._now
        if now is not self:
            return now.address_of(engine) if now is not None else None
        return self._servers.address_of(engine)

    def take_again(self, address: str, connect: Callable[[Engine], T]) -> T | None:
        """A connection of this server; None where it does not serve, or lacks own writes."""
        self.loop_affinity.check_current_loop()
        now = self._now
        if now is not self:
            return now.take_again(address, connect) if now is not None else None
        self.check_usable()
        server = self._servers.get(address)
        if server is None or not (server.address == self._primary or self._choice.serves_reads(server)):
            return None
        wanted = self._fresh_reads.wanted(None) if server.address != self._primary else None  # it had what `after` says
        if wanted is not None:
            return self._fresh_reads.take_of(server, wanted, connect)
        return self.try_to_connect(server, connect)

    def check_usable(self) -> None:
        """Whether it is the one in use, and open; after each wait it may not be.

        Raises:
            DataModuleNotConfiguredError: it was closed.
        """
        self.loop_affinity.check_current_loop()
        if self._successor is not None:
            raise _Replaced(self._successor)
        if self._is_closed:  # else the monitor would begin anew, and open servers that are never closed
            raise closed_engine(self.profile)

    def try_to_connect(self, server: Server, connect: Callable[[Engine], T], *, read_only: bool = True) -> T | None:
        """A connection of a server; None where another choice may help.

        Raises:
            PoolExhausted: every connection of the server stayed in use for `pool_timeout`.
            DatabaseConnectionError: another server would refuse it as well.
        """
        self.check_usable()  # there may have been a wait since it was chosen
        if self._servers.get(server.address) is not server:  # a reload took it away
            return None
        handle = self._handle(server)
        engine = handle.read_only_engine if read_only else handle.engine
        try:
            return connect(engine.sync_engine)
        except Exception as error:  # noqa: BLE001 - a driver's own, too, of a connection that was cut while it was set up
            self._judge(server, handle, error)
            return None

    def _handle(self, server: Server) -> OpenEngine:
        return server.writer if server.address == self._primary else server.reader

    def _judge(self, server: Server, handle: OpenEngine, error: Exception) -> None:
        """Whether a failure to connect is the server's, so that another choice may help; else it is raised."""
        if handle.backend.was_left:
            return
        if isinstance(error, PoolExhausted) or not is_unreachable(error, handle.backend):
            raise error
        self._monitor.look_soon(server.address)

    def replica(self, route: Route, without: set[str]) -> Server | None:
        """The least used replica; None when none that serves is left. Waits for the first looks.

        Raises:
            ClusterError: servers cannot be looked at within `failover_timeout`.
            ReplicaUnavailable: only a replica may serve, and none does.
        """
        deadline = self._deadline()
        while not self._watched().is_settled:
            await_only(self.wait_for_change(route, deadline))
        found = self._choice.least_used(without)
        if found is None and not without and route.source == "replica":
            raise no_replica(self.profile, self._monitor.hosts(), self.settings)
        return found

    # -- waiting for a change ----------------------------------------------------------------------------------

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.settings.cluster.failover_timeout

    async def wait_for_change(self, route: Route, deadline: float) -> None:
        """Wait for the next look.

        Raises:
            ClusterError: the time is up, or nothing that a wait could change.
        """
        monitor = self._monitor
        strangers = monitor.succession.strangers
        if strangers and self._primary is None and monitor.is_settled:
            raise foreign_servers(self.profile, monitor.hosts(), strangers)
        if route.source == "replica" and monitor.is_settled:
            raise no_replica(self.profile, monitor.hosts(), self.settings)
        try:
            async with asyncio.timeout_at(deadline):
                await self._news.wait()
        except TimeoutError:
            raise self._unserved(self.settings.cluster.failover_timeout) from None

    def _unserved(self, seconds: float) -> ClusterError:
        monitor = self._monitor
        return no_primary(self.profile, monitor.hosts(), seconds, monitor.last_primary, self.settings.cluster.heartbeat)

    # -- what the monitor tells --------------------------------------------------------------------------------

    @property
    def _monitor(self) -> Monitor:
        if self._watch is None:
            readers = frozenset(reader_addresses(self.settings))
            self._watch = Monitor(self.profile, self._servers, self.settings.cluster.heartbeat, self._follow, readers)
        return self._watch

    def _watched(self) -> Monitor:
        """The monitor, at work; each turn of a wait begins here, so that none stays with servers that were left."""
        self.check_usable()
        self._monitor.start()
        return self._monitor

    @property
    def _primary(self) -> str | None:
        return self._monitor.succession.primary

    def _follow(self, before: str | None, changed: Mapping[str, str]) -> None:
        """Act on a look: leave servers whose role changed, and wake the waiters."""
        for address, role in changed.items():
            server = self._servers[address]
            if address == before:
                server.leave(abort=role == "stranger" or self._monitor.is_cut_off(address))
            elif role != "replica":
                server.leave_readers(abort=role in ("down", "stranger"))
        if before is not None and before != self._primary and before not in changed:
            self._servers[before].leave(abort=True)
        if self._primary is not None and self._primary != before and self._monitor.failovers:
            self._servers[self._primary].expect_crowd()
        self.wake()

    def wake(self) -> None:
        """Let those who wait for a server look again; in the loop that they wait in."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def status(self) -> ClusterStatus:
        """What is known of the servers now."""
        return ClusterStatus(self._primary, self._monitor.hosts(), self._monitor.failovers)

    # -- its end -----------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Close every connection, within `close_timeout`."""
        self._is_closed = True
        self.wake()
        await self._fresh_reads.stop()
        if self._watch is not None:
            await self._watch.stop()
        await self._servers.close()

    def abandon(self) -> None:
        """Let go of everything: the loop does not run."""
        self._servers.abandon()

    def abort(self) -> None:
        """Close every connection without waiting."""
        for handle in self.handles:
            handle.abort()

    def shutdown_sockets(self) -> None:
        """Shut every socket down, from any thread."""
        for handle in self.handles:
            handle.shutdown_sockets()
