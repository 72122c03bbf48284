"""SIGTERM: unready first, and only then the end, so that no request is sent to a closed door (contract C12.1; ADR 35).

A server closes its sockets as soon as it is told to end, and a load balancer goes on sending until its next look. So
the server is told a little later. Where no load balancer looks, there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from myfy_data.health.readiness import Readiness

logger: logging.Logger = logging.getLogger("myfy_data")


@contextmanager
def drained_at_sigterm(readiness: Readiness, delay: float) -> Iterator[None]:
    """Let SIGTERM make the process unready at once, and reach the server's own handler after a delay.

    Only where the running loop is the main thread's and a server has set a handler by `signal.signal`, as uvicorn does.
    A second SIGTERM ends the delay.

    Args:
        readiness: what load balancers ask; when they did not lately, the server's handler is called at once.
        delay: seconds.
    """
    inherited: Any = signal.getsignal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else None
    if not callable(inherited) or _is_of_a_loop(inherited):
        yield
        return
    drain = _Drain(readiness, delay, inherited)
    signal.signal(signal.SIGTERM, drain)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is drain:
            signal.signal(signal.SIGTERM, inherited)


def _is_of_a_loop(handler: object) -> bool:
    """Whether a handler only wakes an event loop, which keeps the real one to itself."""
    return getattr(handler, "__module__", "").partition(".")[0] in ("asyncio", "uvloop")


class _Drain:
    def __init__(
        self, readiness: Readiness, delay: float, inherited: Callable[[int, FrameType | None], object]
    ) -> None:
        self._readiness = readiness
        self._delay = delay
        self._inherited = inherited
        self._loop = asyncio.get_running_loop()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_first = not self._readiness.is_draining
        self._readiness.is_draining = True
        if is_first and self._delay and self._readiness.was_asked_lately and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._wait, number)
        else:
            self._inherited(number, frame)

    def _wait(self, number: int) -> None:
        logger.info("SIGTERM: not ready any more; the server is told in %g s", self._delay)
        self._loop.call_later(self._delay, self._inherited, number, None)
