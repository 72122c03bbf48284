"""A FIFO queue of tasks that wait for a connection (ADR 0015)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Generic, TypeVar

from myfy_data.engines.pool.loop_affinity import running_loop

T = TypeVar("T")


already_waited: ContextVar[float] = ContextVar("myfy_data_already_waited", default=0.0)
"""Seconds that the running checkout has waited for something else, which count for its `pool_timeout`."""


@contextmanager
def having_waited(seconds: float) -> Iterator[None]:
    """Take so many seconds off what a checkout in the block may wait."""
    token = already_waited.set(seconds)
    try:
        yield
    finally:
        already_waited.reset(token)


class Wakeup(Enum):
    """What a waiter may get in place of a connection."""

    FREE_SLOT = "room for a new connection"
    TIMED_OUT = "nothing came in time"
    LEFT = "the server is no longer in use"


Waiter = asyncio.Future[T | Wakeup]


class FairQueue(Generic[T]):
    """Tasks that wait, each with a future; the longest waiter is served first.

    What a waiter holds is its own: a task that leaves with it unused must put it back.

    Attributes:
        waiters: those who wait, the longest first; always the same object.
    """

    def __init__(self) -> None:
        self.waiters: OrderedDict[Waiter[T], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self.waiters)

    def enqueue(self) -> Waiter[T]:
        """A new waiter at the end of the queue."""
        waiter: Waiter[T] = asyncio.get_running_loop().create_future()
        self.waiters[waiter] = None
        return waiter

    async def wait(self, waiter: Waiter[T], seconds: float) -> T | Wakeup:
        """Wait to be served; `Wakeup.TIMED_OUT` when nothing came in so many seconds.

        The timer answers through the waiter, too: of being served and being late, only one can happen.
        """
        timer = waiter.get_loop().call_later(seconds, self._give_up, waiter)
        try:
            return await waiter
        finally:
            timer.cancel()

    def cancel(self, waiter: Waiter[T]) -> T | Wakeup | None:
        """Stop waiting; what the waiter holds nevertheless, to be put back."""
        self.waiters.pop(waiter, None)
        held = waiter.result() if waiter.done() and not waiter.cancelled() else None
        return None if held is Wakeup.TIMED_OUT else held

    def hand_over(self, thing: T | Wakeup) -> bool:
        """Give something to the longest waiter; whether one could still take it."""
        while True:
            try:
                waiter, _ = self.waiters.popitem(last=False)
            except KeyError:
                return False
            if not waiter.done():  # else it was cancelled, and its task has not run since
                waiter.set_result(thing)
                return True

    def foreign_loop(self) -> asyncio.AbstractEventLoop | None:
        """The waiters' loop, where alone they can be served; None when this code runs in it."""
        first = next(iter(self.waiters), None)
        loop = first.get_loop() if first is not None else None
        return None if loop is running_loop() else loop

    def _give_up(self, waiter: Waiter[T]) -> None:
        if not waiter.done():
            self.waiters.pop(waiter, None)
            waiter.set_result(Wakeup.TIMED_OUT)
