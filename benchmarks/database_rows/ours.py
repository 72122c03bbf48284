"""This package, with the defaults of a profile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database_rows.common import POOL
from database_rows.mapped import MappedOperations
from myfy_data import DatabaseSettings, DataModule


def profile(url: str, pre_ping: bool) -> DatabaseSettings:  # noqa: FBT001 - a row's setting
    """The profile; SQLite waits for the disk as it does in the other rows."""
    sqlite = {"sqlite": {"synchronous": "full"}} if url.startswith("sqlite") else {}
    return DatabaseSettings(database_url=url, pool_pre_ping=pre_ping, **POOL, **sqlite)


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - as above
    """Open the pool."""
    async with DataModule(settings=profile(url, pre_ping)) as data:
        yield MappedOperations(data.session)
