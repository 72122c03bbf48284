"""This package in sessions that only read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from database_rows.mapped import MappedOperations
from database_rows.ours import module


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - a row's setting
    """Open the pool; only `read` works."""
    async with module(url, pre_ping) as data:
        yield MappedOperations(partial(data.session, read_only=True))
