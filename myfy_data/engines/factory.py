"""From a profile's settings to its engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from myfy_data.engines.backend import Backend, cut_line
from myfy_data.engines.connector import Connector
from myfy_data.engines.deadlines import watch_deadlines
from myfy_data.engines.drivers import load_driver
from myfy_data.engines.engine_options import refused_options
from myfy_data.engines.first_connect import bound_first_connect
from myfy_data.engines.home import Home, running_loop
from myfy_data.engines.liveness import watch_liveness
from myfy_data.engines.mysql import MySQL
from myfy_data.engines.options import EngineOptions, build_engine_options
from myfy_data.engines.pool import BoundedPool, prefer_read_only
from myfy_data.engines.pooled import watch_pooler
from myfy_data.engines.postgresql import PostgreSQL
from myfy_data.engines.read_only import READ_ONLY_OPTIONS
from myfy_data.engines.recycling import spread_recycling
from myfy_data.engines.reset import watch_reset
from myfy_data.engines.roles import Role
from myfy_data.engines.sqlite import SQLite
from myfy_data.settings.models import DatabaseSettings

__all__ = [
    "EngineOptions",
    "OpenEngine",
    "build_engine_options",
    "open_engine",
    "open_owned",
]

_LAST_WAIT = 0.5
"""Seconds that aborted connections have to end."""

_BACKENDS: Mapping[str, type[Backend]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mysql": MySQL}


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """An engine and what belongs to it.

    Attributes:
        profile: the profile's name.
        engine: the engine.
        reading: the same for sessions to which the server refuses writes (contract C5.10).
        backend: the database behind it, which knows the driver's connections.
        connector: opens connections, also beside the pool.
        home: the loop and the process that may use it.
        role: whether the server takes writes.
        opened_at: monotonic seconds; engines are closed in the reverse order.
    """

    profile: str
    engine: AsyncEngine
    reading: AsyncEngine
    backend: Backend
    connector: Connector
    home: Home
    role: Role
    opened_at: float = field(default_factory=time.monotonic)

    async def close(self) -> None:
        """Close every connection, those in use or being opened included, within `close_timeout`; none comes after."""
        closing = self.backend.arrivals.end()
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

    def cut(self) -> None:
        """Cut every line to the server, from any thread; the loop that owns the connections closes them."""
        for connection in list(self.backend.connections):
            cut_line(self.backend.transport(connection))

    def drop(self) -> None:
        """Let go of an engine whose loop does not run, and mostly never will: nothing can be awaited on it."""
        self.backend.arrivals.is_over = True
        self.cut()
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
    return open_owned(name, settings).engine


def open_owned(name: str, settings: DatabaseSettings) -> OpenEngine:
    """As `open_engine`, with what is needed to close it within a bound."""
    options = build_engine_options(name, settings)
    url = settings.url
    load_driver(name, url.backend, url.driver)
    backend = _BACKENDS[url.backend](name, settings, options.driver)
    connector = Connector(backend)
    engine = _create(name, options, backend, connector)
    connector.attach(engine.sync_engine)
    home = Home(name, running_loop())
    if isinstance(engine.pool, BoundedPool):
        engine.pool.settle(name, home, settings.pool_leak_detection_threshold)
    backend.listen(engine.sync_engine)
    watch_deadlines(engine.sync_engine, backend)
    if backend.needs_liveness:
        bound_first_connect(engine.sync_engine, backend)
    spread_recycling(engine.sync_engine, settings)
    watch_reset(engine.sync_engine, settings)
    watch_pooler(engine.sync_engine, name, settings)
    if backend.needs_liveness and settings.pool_pre_ping:
        watch_liveness(engine.sync_engine, backend)
    role = Role(engine.sync_engine, backend)
    return OpenEngine(name, engine, _reading(engine, backend), backend, connector, home, role)


def _reading(engine: AsyncEngine, backend: Backend) -> AsyncEngine:
    settings = backend.settings
    if settings.read_only:  # the server refuses every write on these connections
        return engine
    reading = engine.execution_options(**READ_ONLY_OPTIONS)
    if backend.keeps_read_only:
        prefer_read_only(reading.sync_engine)
    return reading


def _create(name: str, options: EngineOptions, backend: Backend, connector: Connector) -> AsyncEngine:
    given = backend.settings.engine_options
    own = {key: value for key, value in options.engine.items() if key not in given}

    def create(**some: Any) -> AsyncEngine:
        return create_async_engine(options.url, creator=connector.open, **{**own, **some})

    try:
        return create(**given)
    except Exception as error:  # noqa: BLE001 - SQLAlchemy has no one class for what it refuses
        raise refused_options(name, given, create, error) from None
