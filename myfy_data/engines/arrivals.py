"""Connections that are being made, and their end: none of them survives the engine (contract C4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Arrivals:
    """What one engine is opening now.

    Attributes:
        is_over: the engine was closed; what arrives from now on must be closed as well.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._under_way: dict[asyncio.Timeout, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Open a connection in the block, which ends with its time or with the engine.

        Raises:
            TimeoutError: so many seconds have passed, or the engine was closed.
        """
        arrived = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(seconds) as deadline:
            self._under_way[deadline] = arrived
            try:
                yield
            finally:
                del self._under_way[deadline]
                arrived.cancel()

    def end(self) -> list[asyncio.Future[None]]:
        """Call off what is under way; each of these is done when one has ended."""
        self.is_over = True
        now = asyncio.get_running_loop().time()
        for deadline in self._under_way:
            if not deadline.expired():
                deadline.reschedule(now)
        return list(self._under_way.values())
