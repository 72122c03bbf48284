"""Upstream's package of our name, through its container."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from myfy.core.di import Container

from database_rows.common import POOL
from database_rows.mapped import MappedOperations
from myfy.data import DatabaseSettings, DataModule, SessionFactory


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - a row's setting
    """Open the pool."""
    container = Container()
    module = DataModule(settings=DatabaseSettings(database_url=url, pool_pre_ping=pre_ping, **POOL))
    module.configure(container)
    container.compile()
    yield MappedOperations(container.get(SessionFactory).session_context)
    await module.stop()
