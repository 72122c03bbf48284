"""This package, with the defaults of a profile in production."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from database_rows.common import POOL
from database_rows.mapped import MappedOperations
from myfy_data import DatabaseSettings, DataModule, DataSettings


def module(url: str, pre_ping: bool, **more: Any) -> DataModule:  # noqa: FBT001 - a row's setting
    """The module; SQLite waits for the disk as it does in the other rows. In development, a slow log would listen."""
    sqlite = {"sqlite": {"synchronous": "full"}} if url.startswith("sqlite") else {}
    profile = DatabaseSettings(database_url=url, pool_pre_ping=pre_ping, **POOL, **sqlite, **more)
    return DataModule(settings=DataSettings(profiles={"main": profile}, environment="production"))


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - as above
    """Open the pool."""
    async with module(url, pre_ping) as data:
        yield MappedOperations(data.session)
