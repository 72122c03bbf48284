"""Three ways to ask a server for its version and role: over the pool, beside it, and over a connection that is kept."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.connect.backend import AnyBackend, Ask
from myfy_data.engines.connect.connect_errors import other_failure
from myfy_data.engines.connect.connector import Connector
from myfy_data.engines.connect.position import Answer
from myfy_data.engines.listeners.failover import WriteAvailability
from myfy_data.engines.listeners.timeouts import close_politely
from myfy_data.engines.observation import OWN
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import PingResult
from myfy_data.errors import DataModuleError
from myfy_data.settings.database_settings import DatabaseSettings


class Opened(Protocol):
    """An open engine, as `OpenEngine` is one."""

    @property
    def profile(self) -> str: ...  # noqa: D102 - as `OpenEngine` says
    @property
    def engine(self) -> AsyncEngine: ...  # noqa: D102 - as above
    @property
    def read_only_engine(self) -> AsyncEngine: ...  # noqa: D102 - as above
    @property
    def backend(self) -> AnyBackend: ...  # noqa: D102 - as above
    @property
    def connector(self) -> Connector: ...  # noqa: D102 - as above
    @property
    def write_availability(self) -> WriteAvailability: ...  # noqa: D102 - as above
    @property
    def kept(self) -> KeptConnection: ...  # noqa: D102 - as above


class KeptConnection:
    """A connection for probes, outside the pool; opened at the first one, and anew when it is lost (ADR 35).

    A log-in for each probe would be what a server suffers from, and would fail where only its last places are taken. A
    file is opened anew each time: that costs nothing, and another file may be in its place. The engine closes it.
    """

    def __init__(self) -> None:
        self.driver: Any = None
        self._lock = asyncio.Lock()  # two modules may share an engine, and a connection answers one at a time

    async def ask(self, opened: Opened) -> PingResult:
        """Ask; a connection that was lost since the last time is replaced once, and does not count as no answer."""
        async with self._lock:
            was_open = self.driver is not None and not opened.backend.is_closed(self.driver)
            try:
                return await self._ask(opened)
            except TimeoutError:
                raise
            except Exception:  # whatever the driver raises for a lost connection
                if not was_open:
                    raise
                return await self._ask(opened)

    async def _ask(self, opened: Opened) -> PingResult:
        if opened.backend.settings.url.is_memory:
            return _in_memory(opened)
        if self.driver is not None and opened.backend.is_closed(self.driver):
            opened.backend.abort(self.driver)  # the server has left; the driver does not know it yet
            self.driver = None
        if self.driver is None:
            self.driver = await opened.connector.open_detached()
        stays = False
        try:
            result = await _ask_driver(opened, self.driver)
            stays = opened.backend.needs_liveness and result.writable is not False  # else, look for another server
        finally:
            if not stays:
                driver, self.driver = self.driver, None
                await _close(driver, opened.backend)
        return result


async def _close(driver: object, backend: AnyBackend) -> None:
    if backend.needs_liveness:
        backend.abort(driver)  # after a failure it would not hear a farewell, and there is no time for one
    else:
        await close_politely(driver, backend)


async def ask_over_the_pool(opened: Opened) -> PingResult:
    """Ask over a connection of the pool, which is there for the next request then."""
    engine = opened.read_only_engine if opened.backend.pings_read_only else opened.engine
    async with engine.connect() as connection:
        await connection.execution_options(**{OWN: True})

        async def ask(question: str) -> Sequence[Answer]:
            return (await connection.exec_driver_sql(question)).all()

        result = await _ask(opened, ask)
        if result.writable is False:  # the next ping asks over a new connection, which may lead to another server
            (await connection.get_raw_connection()).invalidate(soft=True)
        return result


async def ask_beside_the_pool(opened: Opened) -> PingResult:
    """Ask over a connection that is opened for it, and closed."""
    if opened.backend.settings.url.is_memory:
        return _in_memory(opened)
    driver = await opened.connector.open_detached()
    try:
        return await _ask_driver(opened, driver)
    finally:
        await close_politely(driver, opened.backend)


async def ask_kept(opened: Opened) -> PingResult:
    """Ask over the connection that is kept for it."""
    return await opened.kept.ask(opened)


def _in_memory(opened: Opened) -> PingResult:
    return PingResult(opened.profile, opened.backend.describe_server(sqlite3.sqlite_version), 0.0)


async def _ask_driver(opened: Opened, driver: object) -> PingResult:
    backend = opened.backend
    try:
        return await _ask(opened, partial(backend.ask, driver))
    except TimeoutError:
        raise
    except Exception as error:  # whatever the driver raises
        raise backend.connect_error(backend.explain(error) or other_failure(error, None)) from error


async def _ask(opened: Opened, ask: Ask) -> PingResult:
    backend = opened.backend
    started = time.monotonic()
    [answers] = await ask(backend.version_and_role)
    latency = time.monotonic() - started
    version, *role = answers
    writable = await opened.write_availability.probe(ask, role)
    return PingResult(opened.profile, backend.describe_server(str(version)), latency, writable)


def no_answer(opened: Opened, settings: DatabaseSettings, error: Exception) -> DataModuleError:
    """The error to raise for a question that failed, or had no answer within `connect_timeout`."""
    pool = opened.engine.pool
    if isinstance(error, TimeoutError) and isinstance(pool, BoundedPool) and pool.is_exhausted:
        return pool.exhausted(settings.connect_timeout)
    backend = opened.backend
    if isinstance(error, TimeoutError):
        return backend.connect_timeout_error(error)
    return backend.connect_error(backend.explain(error) or other_failure(error, None))
