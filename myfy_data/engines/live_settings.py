"""An engine goes on with other settings of the same database, and so do its connections (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from myfy_data.engines.connect.backend import AnyBackend, adapted
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import pool_size
from myfy_data.settings.database_settings import DatabaseSettings

_CLOSING: set[asyncio.Task[None]] = set()
"""Kept until they are done: the event loop holds its tasks weakly."""


def adopt_settings(opened: OpenEngine, settings: DatabaseSettings) -> None:
    """Use other settings from now on, in the engine's own event loop.

    Args:
        opened: an engine of the running loop, or of one that does not run.
        settings: they differ in keys that no new engine is needed for.
    """
    backend = opened.backend
    before = backend.settings
    backend.adopt(settings)
    for engine in (opened.engine.sync_engine, opened.read_only_engine.sync_engine):
        engine.echo = settings.echo
    if _deadlines(backend, before) != _deadlines(backend, settings):
        _renew_connections(opened)
    pool = opened.engine.pool
    if isinstance(pool, BoundedPool):
        _adopt_pool(pool, settings)


def _deadlines(backend: AnyBackend, settings: DatabaseSettings) -> tuple[float | None, ...]:
    """What a connection is told when it is opened."""
    own = (settings.command_timeout, settings.statement_timeout)
    return (*own, settings.close_timeout, settings.pool_timeout) if backend.waits_for_turns else own


def _adopt_pool(pool: BoundedPool, settings: DatabaseSettings) -> None:
    is_memory = settings.url.is_memory
    pool.set_bounds(
        settings.pool_timeout, -1 if is_memory else settings.pool_recycle, settings.pool_leak_detection_threshold
    )
    if is_memory:
        return
    size, max_overflow = pool_size(settings), settings.max_overflow
    if (pool.size(), pool.max_overflow) == (size, max_overflow):
        return
    surplus = pool.resize(size, max_overflow)
    if surplus:
        task = asyncio.ensure_future(_drop(pool, surplus))
        _CLOSING.add(task)
        task.add_done_callback(_CLOSING.discard)


async def _drop(pool: BoundedPool, surplus: list[ConnectionPoolEntry]) -> None:
    for record in surplus:
        await greenlet_spawn(pool.drop, record)


def _renew_connections(opened: OpenEngine) -> None:
    """Tell each connection its new deadlines when it is taken out the next time."""
    backend, engine = opened.backend, opened.engine.sync_engine
    if backend.is_renewing:
        return
    backend.is_renewing = True

    def check(dbapi_connection: Any, _record: ConnectionPoolEntry, _proxy: object) -> None:
        driver = dbapi_connection.driver_connection
        told, now = backend.told[driver], backend.settings
        if told is now:
            return
        if _deadlines(backend, told) != _deadlines(backend, now):
            adapted(dbapi_connection).run_async(partial(_renew, backend, told))
        backend.told[driver] = now

    event.listen(engine, "checkout", check)


async def _renew(backend: AnyBackend, told: DatabaseSettings, driver: object) -> None:
    """Let the pool replace a connection that cannot be told, or does not answer."""
    now = backend.settings
    try:
        async with asyncio.timeout(min(now.connect_timeout, now.command_timeout)):
            is_renewed = await backend.renew(driver, told)
    except Exception:  # noqa: BLE001 - whatever it is, the connection is not fit for use
        is_renewed = False
    if not is_renewed:
        backend.abort(driver)
        raise DisconnectionError("the connection has the deadlines of before a reload")
