"""One Alembic environment at a time in one process: `alembic.context` and `alembic.op` are global to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

_TURN = threading.Lock()
_PAUSE = 0.01
"""Seconds between two tries: an asyncio lock would belong to one loop, and each thread here has one of its own."""


@asynccontextmanager
async def alembic_turn() -> AsyncIterator[None]:
    """Let no other task or thread run Alembic while the block does; they wait without blocking their loop."""
    while not _TURN.acquire(blocking=False):  # noqa: ASYNC110 - an event belongs to one loop, as a lock does
        await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        _TURN.release()


async def run_in_turn(connection: AsyncConnection, action: Callable[..., T], *arguments: object) -> T:
    """SQLAlchemy's `run_sync`, in turn."""
    async with alembic_turn():
        return await connection.run_sync(action, *arguments)
