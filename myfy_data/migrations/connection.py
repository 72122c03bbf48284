"""Connections for migrations: the profile's own, with what a migration needs otherwise."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.connect.backend import MAY_END_TRANSACTION
from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS
from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.engines.registry import EngineRegistry
from myfy_data.migrations.target import Target
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import require_address

T = TypeVar("T")

_NAME_LIMIT = 63
"""Bytes that PostgreSQL keeps of an application's name."""


def migration_settings(settings: DatabaseSettings) -> DatabaseSettings:
    """The settings of a connection that migrates. Pure.

    A statement may end the transaction that it stands in, and take as long as `migrations.command_timeout` says. SQLite
    does not enforce foreign keys meanwhile: batch mode replaces tables, and dropping the old one would delete the rows
    that refer to it; they are checked before each commit instead.
    """
    own = settings.migrations
    changed: dict[str, Any] = {
        "command_timeout": own.command_timeout,
        "statement_timeout": None,
        "isolation_level": None,
        "deferred_begin": False,
        "pool_size": 1,
        "max_overflow": 0,
        "pool_recycle": -1,
        "sqlite": settings.sqlite.model_copy(update={"foreign_keys": False}),
    }
    if settings.application_name is None:
        changed["application_name"] = f"myfy-data db {os.getpid()} {socket.gethostname()}"[:_NAME_LIMIT]
    return settings.model_copy(update=changed)


@asynccontextmanager
async def migration_engine(target: Target) -> AsyncIterator[AsyncEngine]:
    """An engine of the profile that is closed when the block ends. DDL may end its transactions, as on MySQL.

    Raises:
        ConfigError: the profile gives a driver and no address.
    """
    require_address(target.profile, target.settings, "db upgrade --profile")
    registry = EngineRegistry({target.profile: migration_settings(target.settings)})
    try:
        yield registry.get(target.profile).execution_options(**{MAY_END_TRANSACTION: True})
    finally:
        await registry.close()


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for transactions that take no writer's lock."""
    return engine.execution_options(**READ_ONLY_OPTIONS)


def run_blocking(coroutine: Callable[[], Coroutine[object, None, T]]) -> T:
    """Run a coroutine to its end: in a loop of its own, and in a thread where a loop runs already."""
    if running_loop() is None:
        return asyncio.run(coroutine())
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="myfy-data-migrations") as thread:
        return thread.submit(lambda: asyncio.run(coroutine())).result()
