"""How a pool opens connections to one of several servers: few at a time, and not all at one moment (contract C11.3)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_FIRST, _LONGEST = 0.1, 0.5
"""Seconds that the first connection after a trouble waits at most, and that a further one does."""


class ConnectGate:
    """Caps the connections that are opened at the same time; in trouble each waits for a time by chance.

    That is called full jitter. Trouble is a connection that failed, and a switch: each process hears of it in the same
    moment, and wants its connections then.

    Args:
        at_once: how many are opened at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._limit = asyncio.Semaphore(at_once)
        self._troubles = 0

    def expect_crowd(self) -> None:
        """The server has just become the primary, in this process and in many others."""
        self._troubles = max(self._troubles, 1)

    @asynccontextmanager
    async def turn(self, connect_timeout: float) -> AsyncIterator[None]:
        """Open a connection in the block.

        Args:
            connect_timeout: seconds that everything may take; a small part of it is waited at most.
        """
        async with self._limit:
            if self._troubles:
                await asyncio.sleep(self.pause(connect_timeout))
            try:
                yield
            except BaseException:
                self._troubles += 1
                raise
            self._troubles = 0

    def pause(self, connect_timeout: float) -> float:
        """Seconds to wait: by chance, up to a bound that doubles with each failure."""
        bound = min(_FIRST * 2.0 ** min(self._troubles - 1, 10), _LONGEST, connect_timeout / 4)
        return random.random() * bound  # noqa: S311 - no secret
