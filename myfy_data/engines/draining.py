"""Engines whose place another one has taken: what is in use goes on, then they close (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.pool.pool import BoundedPool

logger: logging.Logger = logging.getLogger("myfy_data.reload")

Opened = OpenEngine | OpenCluster
Present = Callable[[], Opened]
"""Gives the profile's engine of now, for the running loop."""

DRAIN_TIMEOUT: float = 30.0
"""Seconds that transactions of a replaced engine have to end; then they are cut off."""

_LOOK_AGAIN = 0.05
"""Seconds between two looks whether a connection is still in use."""


def lead_to_present(opened: Opened, present: Present) -> None:
    """Let who keeps an engine that was replaced, as a session does, get each further connection of the present one."""
    if isinstance(opened, OpenCluster):
        opened.lead_to(present)
        return
    _lead(opened.engine.sync_engine, present, read_only=opened.settings.read_only)
    if opened.read_only_engine is not opened.engine:
        _lead(opened.read_only_engine.sync_engine, present, read_only=True)


def _lead(engine: Engine, present: Present, *, read_only: bool) -> None:
    def connect() -> Any:
        connection = present().engine_for(read_only=read_only).sync_engine.connect()
        connection.engine = engine  # a session finds its connection by the engine that it asked
        return connection

    def raw_connection() -> Any:
        return present().engine_for(read_only=read_only).sync_engine.raw_connection()

    engine.connect, engine.raw_connection = connect, raw_connection  # type: ignore[method-assign]  # both public


class Draining:
    """Replaced engines that are not closed yet.

    Args:
        close: closes one in its event loop.
        is_asked: whether a probe is under way over one.
    """

    def __init__(
        self, close: Callable[[Opened], Awaitable[None]], is_asked: Callable[[Opened], bool] = lambda _: False
    ) -> None:
        self._close = close
        self._is_asked = is_asked
        self._tasks: dict[asyncio.Task[None], Opened] = {}

    @property
    def engines(self) -> list[Opened]:
        """Those that are not closed yet."""
        return list(self._tasks.values())

    def begin(self, opened: Opened) -> None:
        """Close an engine as soon as nothing of it is in use, and after `DRAIN_TIMEOUT` in any case."""
        task = asyncio.get_running_loop().create_task(self._drain(opened))
        self._tasks[task] = opened
        task.add_done_callback(self._forget)

    async def _drain(self, opened: Opened) -> None:
        until = time.monotonic() + DRAIN_TIMEOUT
        while self._is_asked(opened) or in_use(opened):
            if time.monotonic() >= until:
                message = (
                    "profile %r: connections of the engine before the reload were in use for %g s, and are cut off"
                )
                logger.warning(message, opened.profile, DRAIN_TIMEOUT)
                break
            await asyncio.sleep(_LOOK_AGAIN)
        await self._close(opened)

    def _forget(self, task: asyncio.Task[None]) -> None:
        opened = self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if opened is not None and error is not None:
            logger.warning("profile %r: an engine was not closed well: %s", opened.profile, type(error).__name__)

    async def wait(self) -> None:
        """Wait until those that are being closed now are closed."""
        await asyncio.gather(*self._tasks)

    def take_all(self) -> list[Opened]:
        """Stop waiting; the engines that are left, for the caller to close."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks:
            loop = task.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        return list(tasks.values())


def in_use(opened: Opened) -> bool:
    """Whether a connection of an engine is checked out or waited for."""
    for handle in opened.handles:
        pool = handle.engine.pool
        if not isinstance(pool, QueuePool):
            if any(_is_open(handle, connection) for connection in list(handle.backend.connections)):
                return True
        elif pool.checkedout() > 0 or (isinstance(pool, BoundedPool) and pool.waiting > 0):
            return True
    return False


def _is_open(handle: OpenEngine, connection: object) -> bool:
    """Whether a connection of a pool that does not count is open; SQLite's have no server that could close them."""
    return not (handle.backend.is_closed(connection) or getattr(connection, "is_stopping", False))
