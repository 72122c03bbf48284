"""From a profile's settings to its engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import Pool

from myfy_data.engines.backends import BACKENDS
from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.connect.connector import Connector
from myfy_data.engines.connect.drivers import load_driver
from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS, set_at_checkout
from myfy_data.engines.connect.transport import shutdown_socket
from myfy_data.engines.engine_options import refused_options
from myfy_data.engines.listeners.failover import WriteAvailability
from myfy_data.engines.listeners.initialize_timeout import attach_initialize_timeout
from myfy_data.engines.listeners.pre_ping import attach_pre_ping
from myfy_data.engines.listeners.recycle_jitter import attach_recycle_jitter
from myfy_data.engines.listeners.reset_on_return import attach_reset_on_return
from myfy_data.engines.listeners.timeouts import attach_timeouts
from myfy_data.engines.options import EngineOptions, build_engine_options
from myfy_data.engines.ping import KeptConnection
from myfy_data.engines.pool.loop_affinity import LoopAffinity, running_loop
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import pool_size
from myfy_data.settings.database_settings import DatabaseSettings

__all__ = [
    "EngineOptions",
    "OpenEngine",
    "build_engine_options",
    "open_engine",
    "open_engine_handle",
]

_LAST_WAIT = 0.5
"""Seconds that aborted connections have to end."""


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """An engine and what belongs to it.

    Attributes:
        profile: the profile's name.
        engine: the engine.
        read_only_engine: the same for sessions to which the server refuses writes (contract C5.10).
        backend: the database behind it, which knows the driver's connections.
        connector: opens connections, also beside the pool.
        loop_affinity: the loop and the process that may use it.
        write_availability: whether the server takes writes.
        kept: the connection that probes ask over.
        opened_at: monotonic seconds; engines are closed in the reverse order.
    """

    profile: str
    engine: AsyncEngine
    read_only_engine: AsyncEngine
    backend: AnyBackend
    connector: Connector
    loop_affinity: LoopAffinity
    write_availability: WriteAvailability
    kept: KeptConnection = field(default_factory=KeptConnection)
    opened_at: float = field(default_factory=time.monotonic)

    @property
    def settings(self) -> DatabaseSettings:
        """The profile's settings."""
        return self.backend.settings

    @property
    def handles(self) -> list[OpenEngine]:
        """Itself: it has one server."""
        return [self]

    @property
    def pools(self) -> list[Pool]:
        """Its pool."""
        return [self.engine.pool]

    @property
    def size(self) -> int:
        """Connections that it keeps."""
        return pool_size(self.backend.settings)

    def engine_for(self, *, read_only: bool = False, **_one_server: str | None) -> AsyncEngine:
        """The engine of a session; wherever that wants to read from, there is one server."""
        return self.read_only_engine if read_only else self.engine

    async def present(self, seconds: float | None = None) -> OpenEngine:  # noqa: ARG002 - it has one server
        """Itself: there is no other server to wait for."""
        return self

    def leave(self, *, abort: bool) -> None:
        """Let go of its server: what opens or waits for a connection chooses anew (contract C11.3).

        Args:
            abort: cut off what is in use as well; what was sent fails as a lost connection.
        """
        self.backend.was_left = True
        self.backend.pending_connects.cancel_all()
        if abort:
            self.abort()
        if isinstance(self.engine.pool, BoundedPool):
            self.engine.pool.leave()

    async def close(self) -> None:
        """Close every connection, those in use or being opened included, within `close_timeout`; none comes after."""
        closing = self.backend.pending_connects.cancel_all()
        closing += [asyncio.ensure_future(self.backend.close(connection)) for connection in self.backend.connections]
        try:
            await _wait(closing, self.backend.settings.close_timeout)
        finally:
            self.abort()
        if await _wait(closing, _LAST_WAIT):
            await self.engine.dispose()
        else:  # a thread that nothing can interrupt: it is left to itself
            self.engine.sync_engine.dispose(close=False)

    def abort(self) -> None:
        """Close every connection without waiting, also when the engine's loop is closed."""
        for connection in list(self.backend.connections):
            self.backend.abort(connection)

    def shutdown_sockets(self) -> None:
        """Shut every socket down, from any thread; the loop that owns the connections closes them."""
        for connection in list(self.backend.connections):
            shutdown_socket(self.backend.transport(connection))

    def abandon(self) -> None:
        """Let go of an engine whose loop does not run, and mostly never will: nothing can be awaited on it."""
        self.backend.pending_connects.is_cancelled = True
        self.shutdown_sockets()
        self.abort()
        self.engine.sync_engine.dispose(close=False)


async def _wait(tasks: Sequence[asyncio.Future[None]], timeout: float) -> bool:  # noqa: ASYNC109 - not an error
    """Wait until tasks have ended, well or not; whether they have. Those that have not are cancelled."""
    if not tasks:
        return True
    done, pending = await asyncio.wait(tasks, timeout=timeout)
    for task in done:
        _ = task.cancelled() or task.exception()  # asked for, so that asyncio does not report it
    for task in pending:
        task.cancel()
    return not pending


def open_engine(name: str, settings: DatabaseSettings) -> AsyncEngine:
    """The engine of a profile; the caller disposes it. It connects at its first use.

    Raises:
        ConfigError: settings that cannot work together, or an engine option that SQLAlchemy does not know.
        MissingDriverError: the driver is not installed.
        DatabaseConnectionError: a certificate file cannot be read.
    """
    return open_engine_handle(name, settings).engine


def open_engine_handle(name: str, settings: DatabaseSettings) -> OpenEngine:
    """As `open_engine`, with what is needed to close it within a bound."""
    options = build_engine_options(name, settings)
    url = settings.url
    load_driver(name, url.backend, url.driver)
    backend = BACKENDS[url.backend](name, settings, options.driver)
    connector = Connector(backend)
    engine = _create(name, options, backend, connector)
    connector.attach(engine.sync_engine)
    loop_affinity = LoopAffinity(name, running_loop())
    if isinstance(engine.pool, BoundedPool):
        engine.pool.settle(name, loop_affinity, settings.pool_leak_detection_threshold)
        engine.pool.on_recreate = backend.begin_anew
    backend.attach_events(engine.sync_engine)
    set_at_checkout(engine.sync_engine)
    attach_timeouts(engine.sync_engine, backend)
    if backend.needs_liveness:
        attach_initialize_timeout(engine.sync_engine, backend)
    attach_recycle_jitter(engine.sync_engine, backend)
    attach_reset_on_return(engine.sync_engine, backend)
    if backend.needs_liveness:
        attach_pre_ping(engine.sync_engine, backend)
    write_availability = WriteAvailability(engine.sync_engine, backend)
    return OpenEngine(
        name, engine, _read_only_engine(engine, backend), backend, connector, loop_affinity, write_availability
    )


def _read_only_engine(engine: AsyncEngine, backend: AnyBackend) -> AsyncEngine:
    settings = backend.settings
    if settings.read_only:  # the server refuses every write on these connections
        return engine
    return engine.execution_options(**READ_ONLY_OPTIONS)


def _create(name: str, options: EngineOptions, backend: AnyBackend, connector: Connector) -> AsyncEngine:
    given = backend.settings.engine_options
    own = {key: value for key, value in options.engine.items() if key not in given}

    def create(**some: object) -> AsyncEngine:
        return create_async_engine(options.url, creator=connector.open, **{**own, **some})

    try:
        return create(**given)
    except Exception as error:  # noqa: BLE001 - SQLAlchemy has no one class for what it refuses
        raise refused_options(name, given, create, error) from None
