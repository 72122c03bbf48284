"""One timer for the deadlines of all messages of a connection, which waits for one answer at a time (contract C10).

A timer of the loop's own for each message, made and cancelled, costs eleven calls; this one two. It stays with the loop
when its message was answered, and when it rings it looks which message is under way then.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any


class Deadline:
    """A connection's timer. What is under way is called back when its time is over, and never before.

    Args:
        loop: the connection's event loop.
    """

    __slots__ = ("_arguments", "_callback", "_context", "_due", "_loop", "_rings", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # A timer outlives its message, and whatever the message's task keeps in its context is not to.
        self._context = contextvars.Context()
        self._timer: asyncio.TimerHandle | None = None
        self._callback: Callable[..., object] | None = None
        self._arguments: tuple[Any, ...] = ()
        self._due = self._rings = 0.0

    def call_later(
        self, delay: float, callback: Callable[..., object], *arguments: object
    ) -> Deadline | asyncio.TimerHandle:
        """Call back after so many seconds, unless what is returned is cancelled before; as a loop's method."""
        if self._callback is not None:  # no driver waits for two answers
            return self._loop.call_later(delay, callback, *arguments)
        self._callback, self._arguments = callback, arguments
        self._due = due = self._loop.time() + delay
        if self._timer is None or due < self._rings:
            self._wind(due)
        return self

    def cancel(self) -> None:
        """The answer came."""
        self._callback, self._arguments = None, ()

    def _wind(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = due
        self._timer = self._loop.call_at(due, self._ring, context=self._context)

    def _ring(self) -> None:
        self._timer = None
        callback, arguments = self._callback, self._arguments
        if callback is None:
            return
        if self._due > self._rings:  # another message than the one that it was wound for
            self._wind(self._due)
            return
        self.cancel()
        callback(*arguments)
