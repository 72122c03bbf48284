"""One server of a profile: its pools, its connection for looks, and how both are left (contract C11.3)."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool, QueuePool

from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Position
from myfy_data.engines.factory import OpenEngine, open_engine_handle
from myfy_data.engines.listeners.timeouts import close_politely
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import one_server

T = TypeVar("T")
_MAY_HAVE_WRITTEN = "myfy_data_may_have_written"

CONNECTS_AT_ONCE = 4
"""Connections that one pool opens at the same time: after a switch all of its users want one."""

BLIND_LOOKS = 30
"""Looks by an account that may not see everything, until it logs in anew: MariaDB reads a GRANT at the log-in."""


class Server:
    """One server.

    Args:
        profile: the profile's name.
        settings: the profile's settings.
        address: the server's address, one of `server_addresses`.
        on_open: called with each engine that opens.
    """

    def __init__(
        self, profile: str, settings: DatabaseSettings, address: str, on_open: Callable[[Server, OpenEngine], None]
    ) -> None:
        self.address = address
        self._profile = profile
        self._settings, self._reading = _of_server(settings, address)
        self._on_open = on_open
        self._writer: OpenEngine | None = None
        self._reader: OpenEngine | None = None
        self._left: weakref.WeakSet[Pool] = weakref.WeakSet()
        self._closing: set[asyncio.Task[None]] = set()
        self._driver: Any = None
        self._blind_looks = 0
        self._turn = asyncio.Lock()  # a connection answers one question at a time

    @property
    def writer(self) -> OpenEngine:
        """The engine whose pool serves while this is the primary; opened now if there is none."""
        if self._writer is None:
            self._writer = self._open(self._settings)
        return self._writer

    @property
    def reader(self) -> OpenEngine:
        """The engine whose pool serves while this is a replica; opened now if there is none."""
        if self._reader is None:
            self._reader = self._open(self._reading)
        return self._reader

    @property
    def handles(self) -> list[OpenEngine]:
        """The engines that are open."""
        return [handle for handle in (self._writer, self._reader) if handle is not None]

    def has(self, engine: Engine) -> bool:
        """Whether connections of an engine are this server's."""
        return any(engine in (one.engine.sync_engine, one.read_only_engine.sync_engine) for one in self.handles)

    @property
    def pools(self) -> Iterator[Pool]:
        """Every pool with a connection in it or in use, those that were left included."""
        yield from (handle.engine.pool for handle in self.handles)
        yield from (pool for pool in list(self._left) if isinstance(pool, QueuePool) and pool.checkedout())

    @property
    def reads_in_use(self) -> int:
        """Connections that readers have taken, and tasks that wait for one."""
        pool = self._reader.engine.pool if self._reader is not None else None
        return pool.checkedout() + pool.waiting if isinstance(pool, BoundedPool) else 0

    @property
    def reads_size(self) -> int:
        """Connections that its pool for readers keeps; 0 until it serves."""
        return self._reader.size if self._reader is not None else 0

    def _open(self, settings: DatabaseSettings) -> OpenEngine:
        handle = open_engine_handle(self._profile, settings)
        handle.backend.watch(CONNECTS_AT_ONCE)
        event.listen(handle.engine.sync_engine, "commit", partial(_note_commit, handle.backend))
        self._on_open(self, handle)
        return handle

    def adopt(self, settings: DatabaseSettings) -> Iterator[tuple[OpenEngine, DatabaseSettings]]:
        """Use other settings from now on; gives each engine that is open with those that it shall adopt."""
        self._settings, self._reading = _of_server(settings, self.address)
        for handle, its in ((self._writer, self._settings), (self._reader, self._reading)):
            if handle is not None:
                yield handle, its

    def expect_crowd(self) -> None:
        """It has just become the primary: other processes want their connections in this moment as well."""
        if self.writer.backend.gate is not None:
            self.writer.backend.gate.expect_crowd()

    # -- looks -------------------------------------------------------------------------------------------------

    async def look(self) -> Look:
        """Ask the server for its role, over a connection of its own that stays open; the caller bounds it.

        Raises:
            Exception: it did not answer, or cannot be asked.
        """
        found = await self._ask(lambda backend, driver: backend.look(driver))
        self._blind_looks = self._blind_looks + 1 if found.hint else 0
        if self._blind_looks >= BLIND_LOOKS:
            self._blind_looks = 0
            self._drop_driver()
        return found

    async def position(self) -> Position | None:
        """How far it has come, over the same connection; for a server that takes writes (contract C11.4).

        Raises:
            Exception: it did not answer, or cannot be asked.
        """
        rows = await self._ask(lambda backend, driver: backend.ask(driver, backend.positions.written))
        return self.writer.backend.positions.read_written(rows[0])

    async def _ask(self, question: Callable[[AnyBackend, object], Awaitable[T]]) -> T:
        backend = self.writer.backend
        async with self._turn:
            try:
                if self._driver is None or backend.is_closed(self._driver):
                    self._driver = await self.writer.connector.open_detached()
                return await question(backend, self._driver)
            except BaseException:
                self._drop_driver()
                raise

    def _drop_driver(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            self.writer.backend.abort(driver)

    # -- leaving -----------------------------------------------------------------------------------------------

    def leave(self, *, abort: bool) -> None:
        """Let go of its pools: who waits for them chooses anew, and what comes back is closed.

        Args:
            abort: cut off what is in use as well, because the server does not answer.
        """
        self._drop_driver()
        for handle in self.handles:
            self._leave(handle, abort=abort)
        self._writer = self._reader = None

    def leave_readers(self, *, abort: bool) -> None:
        """As `leave`, of the pool that serves while it is a replica."""
        if self._reader is not None:
            self._leave(self._reader, abort=abort)
            self._reader = None

    def _leave(self, handle: OpenEngine, *, abort: bool) -> None:
        pool = handle.engine.pool
        self._left.add(pool)
        handle.leave(abort=abort)
        task = asyncio.ensure_future(handle.engine.dispose())
        self._closing.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        _ = task.cancelled() or task.exception()  # asked for, so that asyncio does not report it

    async def close(self) -> None:
        """Close every connection, within `close_timeout`."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await close_politely(driver, self.writer.backend)
        await asyncio.gather(*(handle.close() for handle in self.handles), *self._closing, return_exceptions=True)

    def abandon(self) -> None:
        """Let go of it: its loop does not run."""
        for handle in self.handles:
            handle.abandon()


def _of_server(settings: DatabaseSettings, address: str) -> tuple[DatabaseSettings, DatabaseSettings]:
    """The settings of one server's two pools: while it is the primary, and while it serves reads."""
    own = one_server(settings, address)
    sizes = {"pool_size": settings.reads.pool_size or settings.pool_size, "max_overflow": 0}
    return own, own.model_copy(update=sizes)


def _note_commit(backend: AnyBackend, connection: Connection) -> None:
    adapter = connection.connection.dbapi_connection
    connection.info[_MAY_HAVE_WRITTEN] = adapter is None or backend.may_have_written(adapter)


def may_have_written(connection: Connection) -> bool:
    """Whether the last commit of a server's connection may have changed something."""
    return connection.closed or connection.invalidated or connection.info.get(_MAY_HAVE_WRITTEN) is not False
