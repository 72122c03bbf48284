"""The clock of the running loop, which a test puts forward: what waits for a deadline ends then, and not sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Clock:
    """Goes with the time, and ahead of it when a test says so; timers of the loop go off by it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._ahead = 0.0
        loop.time = lambda: self._now() + self._ahead  # type: ignore[method-assign]  # the loop asks itself

    def put_forward(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._ahead += seconds


def deadline_of(seconds: float) -> Callable[[], None]:
    """Lets a deadline of so many seconds pass, each time that it is called."""
    clock = Clock()
    return lambda: clock.put_forward(seconds)
