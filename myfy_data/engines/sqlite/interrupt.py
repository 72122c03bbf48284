"""A statement on its way to a SQLite connection's thread, which can be given up at any moment."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Statement(Generic[T]):
    """A piece of work for the connection's thread that can be given up, before it begins or while it runs.

    SQLite's interrupt reaches what runs at that moment. A statement that stands in line for the thread, or is about to
    begin, would not hear of it; and what comes after it (a rollback, a close) must not. What SQLite cannot interrupt,
    such as a function of the user's that waits, is answered for by `fail`.

    Args:
        work: what to do.
        lock: the connection's, held while it is interrupted.
        loop: the loop that waits for it.
        due: when it must have ended, by the loop's clock.
        is_end: whether it ends a transaction, and so is not interrupted.

    Attributes:
        answer: what the work comes to.
        given_up_at: when it was first given up, by the loop's clock.
        is_done: whether the thread has ended it.
    """

    __slots__ = ("_given_up", "_lock", "_loop", "_work", "answer", "due", "given_up_at", "is_done", "is_end")

    def __init__(
        self,
        work: Callable[[], T],
        lock: threading.Lock,
        loop: asyncio.AbstractEventLoop,
        *,
        due: float,
        is_end: bool = False,
    ) -> None:
        self._work = work
        self._lock = lock
        self._loop = loop
        self._given_up = False
        self.is_done: bool = False
        self.due: float = due
        self.is_end: bool = is_end
        self.answer: asyncio.Future[T] = loop.create_future()
        self.given_up_at: float | None = None

    def run(self) -> None:
        """Do the work and answer; runs on the thread."""
        try:
            if self._given_up:
                raise sqlite3.OperationalError("interrupted")
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
            self._end(self.fail, error)
        else:
            self._end(self._succeed, result)

    def _end(self, answer: Callable[[U], None], value: U) -> None:
        with self._lock:
            self.is_done = True
        try:  # no `suppress`, which is three calls: each message comes here
            self._loop.call_soon_threadsafe(answer, value)
        except RuntimeError:  # the loop was closed: it has given us up
            return

    def _succeed(self, result: T) -> None:
        if not self.answer.done():
            self.answer.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, unless there is an answer; runs on the loop."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def give_up(self, interrupt: Callable[[], None]) -> bool:
        """Interrupt the work; whether it has ended, so that nothing is left to be interrupted."""
        if self.given_up_at is None:
            self.given_up_at = self._loop.time()
        with self._lock:
            self._given_up = True
            if not self.is_done:
                interrupt()
            return self.is_done
