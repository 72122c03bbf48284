"""A statement on its way to a SQLite connection's thread, which can be given up at any moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any


class Statement:
    """A piece of work for the connection's thread that can be given up, before it begins or while it runs.

    SQLite's interrupt reaches what runs at that moment. A statement that stands in line for the thread, or is about to
    begin, would not hear of it; and what comes after it (a rollback, a close) must not.

    Args:
        work: what to do.
        lock: the connection's, held while it is interrupted.
        due: when it must have ended, by the loop's clock.
    """

    __slots__ = ("_done", "_given_up", "_lock", "_work", "due")

    def __init__(self, work: Callable[[], Any], lock: threading.Lock, due: float) -> None:
        self._work = work
        self._lock = lock
        self._given_up = False
        self._done = False
        self.due = due

    def run(self) -> Any:
        """Do the work; runs on the thread.

        Raises:
            sqlite3.OperationalError: it was given up.
        """
        try:
            if self._given_up:
                raise sqlite3.OperationalError("interrupted")
            return self._work()
        finally:
            with self._lock:
                self._done = True

    def give_up(self, interrupt: Callable[[], None]) -> bool:
        """Interrupt the work; whether it has ended, so that nothing is left to be interrupted."""
        with self._lock:
            self._given_up = True
            if not self._done:
                interrupt()
            return self._done
