"""Connections that are being opened: none of them survives the engine (contract C4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PendingConnects:
    """What one engine is opening now.

    Attributes:
        is_cancelled: the engine was closed; what is opened from now on must be closed as well.
    """

    def __init__(self) -> None:
        self.is_cancelled: bool = False
        self._pending: dict[asyncio.Timeout, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def track(self, seconds: float) -> AsyncIterator[None]:
        """Open a connection in the block, which ends with its time or with the engine.

        Raises:
            TimeoutError: so many seconds have passed, or the engine was closed.
        """
        done = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(seconds) as deadline:
            self._pending[deadline] = done
            try:
                yield
            finally:
                del self._pending[deadline]
                done.cancel()

    def cancel_all(self) -> list[asyncio.Future[None]]:
        """Cancel what is being opened; each of these is done when one has ended."""
        self.is_cancelled = True
        now = asyncio.get_running_loop().time()
        for deadline in self._pending:
            if not deadline.expired():
                deadline.reschedule(now)
        return list(self._pending.values())
