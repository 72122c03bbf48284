"""The live engines of one module: opened at first use, one for each profile, event loop and process."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.deadlines import close_politely
from myfy_data.engines.elsewhere import close_elsewhere
from myfy_data.engines.factory import OpenEngine, open_owned
from myfy_data.engines.failures import other_failure
from myfy_data.engines.home import running_loop
from myfy_data.engines.pool import BoundedPool
from myfy_data.engines.roles import VERSION_AND_ROLE, Ask
from myfy_data.engines.status import PingResult, PoolStatus, build_status, describe_server, pool_size
from myfy_data.errors import ConfigError, DataModuleError, Problem, UnknownProfileError, closed_engine
from myfy_data.settings.models import DatabaseSettings
from myfy_data.suggestions import listed, nearest

_AT_ONCE = 10
"""Connections that a warm-up opens at the same time; servers fork or log in slowly under a storm."""

_FOREIGN: list[OpenEngine] = []
"""Engines that a forked child inherited. Kept, never touched: even collecting them would close the parent's sockets."""


class EngineRegistry:
    """Opens engines when they are asked for, and closes them all.

    Args:
        profiles: the settings of each profile.
        on_engine: called with profile and engine for each engine that opens (contract C4).
    """

    def __init__(
        self, profiles: Mapping[str, DatabaseSettings], on_engine: Callable[[str, AsyncEngine], None] | None = None
    ) -> None:
        self._profiles = profiles
        self._on_engine = on_engine
        self._engines: dict[str, list[OpenEngine]] = {}
        self._lock = threading.Lock()  # loops of several threads may share one registry
        self._is_closed = False

    def get(self, profile: str, *, read_only: bool = False) -> AsyncEngine:
        """The profile's engine for the running loop; opened at first use, connected when it is used.

        Outside any loop: an engine that belongs to the first loop that uses it.

        Args:
            profile: the profile's name.
            read_only: let the server refuse what the engine's connections write (contract C5.10).

        Raises:
            UnknownProfileError: there is no such profile.
            ConfigError: the profile is inactive, or its settings cannot work together.
            MissingDriverError: its driver is not installed.
            DatabaseConnectionError: a certificate file cannot be read.
            DataModuleNotConfiguredError: the registry was closed.
        """
        opened = self._get(profile)
        return opened.reading if read_only else opened.engine

    def _get(self, profile: str) -> OpenEngine:
        loop = running_loop()
        for opened in self._engines.get(profile, ()):
            if opened.home.is_of(loop):
                return opened
        return self._adopt_or_open(profile, loop)

    def _adopt_or_open(self, profile: str, loop: asyncio.AbstractEventLoop | None) -> OpenEngine:
        with self._lock:
            if self._is_closed:  # whoever kept the registry would open what nobody closes
                raise closed_engine(profile)
            self._drop_gone()
            for opened in self._engines.get(profile, ()):
                if opened.home.is_of(loop) or opened.home.is_free:
                    opened.home.settle(loop)
                    return opened
            opened = open_owned(profile, self._settings(profile))
            self._engines.setdefault(profile, []).append(opened)
        if self._on_engine is not None:
            self._on_engine(profile, opened.engine)
        return opened

    def _settings(self, profile: str) -> DatabaseSettings:
        settings = self._profiles.get(profile)
        key = f"profiles.{profile}"
        if settings is None:
            near = nearest(profile, self._profiles)
            fix = f"use {near!r}" if near else f"declare it: [data.profiles.{profile}]"
            message = f"is not declared; declared: {listed(self._profiles)}"
            raise UnknownProfileError([Problem("", key, message, fix=fix, kind="unknown_profile")])
        if not settings.active:
            message = "is false, so the profile is never opened"
            raise ConfigError([Problem("", f"{key}.active", message, fix="active = true")])
        return settings

    def _drop_gone(self) -> None:
        """Let go of engines whose loop is closed or whose process was another one."""
        for profile, every in list(self._engines.items()):
            kept = []
            for opened in every:
                if opened.home.is_foreign:
                    _FOREIGN.append(opened)
                elif opened.home.is_gone:
                    opened.drop()
                else:
                    kept.append(opened)
            self._engines[profile] = kept

    def status(self, profile: str) -> PoolStatus:
        """What the profile's pool is doing: the running loop's, outside any loop the sum of all. Opens nothing.

        Raises:
            UnknownProfileError: there is no such profile.
        """
        settings = self._profiles.get(profile) or self._settings(profile)
        loop = running_loop()
        pools = [
            opened.engine.pool
            for opened in self._engines.get(profile, ())
            if not opened.home.is_foreign and (loop is None or opened.home.is_of(loop))
        ]
        return build_status(profile, pool_size(settings), pools)

    async def ping(self, profile: str) -> PingResult:
        """Ask over the pool for the server's version and whether it takes writes, within `connect_timeout`.

        Raises:
            DatabaseConnectionError: it did not answer.
            DatabaseTimeoutError: it took us in, and did not answer within a `command_timeout` that is shorter.
            PoolExhausted: every connection is in use.
        """
        return await self._within_bounds(profile, _ask_over_the_pool)

    async def probe(self, profile: str) -> PingResult:
        """As `ping`, over a connection of its own: a pool that is busy is no dead server.

        A database in memory is this process's own, so there is nothing that could fail to answer.

        Raises:
            DatabaseConnectionError: it did not answer.
        """
        return await self._within_bounds(profile, _ask_beside_the_pool)

    async def _within_bounds(self, profile: str, ask: Callable[[OpenEngine], Awaitable[PingResult]]) -> PingResult:
        settings = self._settings(profile)
        opened = self._get(profile)
        try:
            async with asyncio.timeout(settings.connect_timeout):
                return await ask(opened)
        except DataModuleError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise self._no_answer(opened, settings, error) from error

    def _no_answer(self, opened: OpenEngine, settings: DatabaseSettings, error: Exception) -> DataModuleError:
        pool = opened.engine.pool
        if isinstance(error, TimeoutError) and isinstance(pool, BoundedPool) and pool.is_exhausted:
            return pool.exhausted(settings.connect_timeout)
        backend = opened.backend
        if isinstance(error, TimeoutError):
            return backend.late(error)
        return backend.failed(backend.explain(error) or other_failure(error, None))

    async def warm_up(self, profile: str) -> None:
        """Open `pool_size` connections at once, so that the first requests need not.

        Raises:
            DatabaseConnectionError: one of them could not be opened.
        """
        engine = self.get(profile)
        limit = asyncio.Semaphore(_AT_ONCE)
        async with AsyncExitStack() as stack:

            async def check_out() -> None:
                async with limit:
                    await stack.enter_async_context(engine.connect())

            size = pool_size(self._settings(profile))
            results = await asyncio.gather(*(check_out() for _ in range(size)), return_exceptions=True)
            for result in results:
                if result is not None:
                    raise result

    async def close(self) -> None:
        """Close every engine of this process, the last opened first, each within its `close_timeout`; open none again.

        All of them are closed, even when one fails or the caller is cancelled; then that is raised.
        """
        with self._lock:
            self._is_closed = True
            self._drop_gone()
            every = sorted((opened for engines in self._engines.values() for opened in engines), key=_opened_at)
            self._engines.clear()
        async with AsyncExitStack() as stack:
            for opened in every:
                stack.push_async_callback(_close, opened)


def _opened_at(opened: OpenEngine) -> float:
    return opened.opened_at


async def _close(opened: OpenEngine) -> None:
    loop = opened.home.loop
    if loop is None or loop is asyncio.get_running_loop():
        await opened.close()
    elif loop.is_running():  # in another thread
        await close_elsewhere(opened, loop)
    else:
        opened.drop()


async def _ask_over_the_pool(opened: OpenEngine) -> PingResult:
    backend = opened.backend.settings.url.backend
    # A SQLite session that may write would wait for its turn; a server tells more to one that may write.
    engine = opened.reading if backend == "sqlite" else opened.engine
    async with engine.connect() as connection:

        async def ask(question: str) -> Sequence[Any]:
            return (await connection.exec_driver_sql(question)).all()

        result = await _ask(opened, ask)
        if result.writable is False:  # the next ping asks over a new connection, which may lead to another server
            (await connection.get_raw_connection()).invalidate(soft=True)
        return result


async def _ask_beside_the_pool(opened: OpenEngine) -> PingResult:
    if opened.backend.settings.url.is_memory:
        return PingResult(opened.profile, describe_server("sqlite", sqlite3.sqlite_version), 0.0)
    driver = await opened.connector.open_detached()
    backend = opened.backend
    try:
        return await _ask(opened, partial(backend.ask, driver))
    except TimeoutError:
        raise
    except Exception as error:  # whatever the driver raises
        raise backend.failed(backend.explain(error) or other_failure(error, None)) from error
    finally:
        await close_politely(driver, backend)


async def _ask(opened: OpenEngine, ask: Ask) -> PingResult:
    backend = opened.backend.settings.url.backend
    started = time.monotonic()
    [answers] = await ask(VERSION_AND_ROLE[backend])
    latency = time.monotonic() - started
    version, *role = answers
    writable = await opened.role.probe(ask, role)
    return PingResult(opened.profile, describe_server(backend, str(version)), latency, writable)
