"""The thread of a SQLite connection: what it is asked for has a bound, and so has waiting for its end (contract C10).

SQLite can interrupt its own work. It cannot interrupt a function of the user's that waits, a copy of pages, or a file
system that does not answer: then the thread is abandoned. When it comes back it closes the file, and so
ends the transaction; until then the turn to write is its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import aiosqlite

from myfy_data.engines.pool.loop_affinity import cancel_again, running_loop
from myfy_data.engines.sqlite.dbapi_connection import AutocommitConnection
from myfy_data.engines.sqlite.interrupt import Statement

T = TypeVar("T")

_AGAIN = 0.01
"""Seconds between two interrupts of a statement that has not ended."""

INTERRUPT_GRACE = 0.5
"""Seconds that an interrupted statement has to end before its thread is abandoned."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Bounds of a connection, in seconds.

    Attributes:
        statement: after which a statement is interrupted.
        end: after which COMMIT or ROLLBACK is given up.
        close: after which the thread is left to itself when the connection is closed.
    """

    statement: float
    end: float
    close: float


class ThreadConnection(aiosqlite.Connection):
    """aiosqlite's connection, whose waits all end.

    Args:
        connector: opens the sqlite3 connection; runs on the connection's own thread.
        deadlines: its bounds.
    """

    def __init__(self, connector: Callable[[], AutocommitConnection], deadlines: Deadlines) -> None:
        super().__init__(self._open_file, 64)
        self._open_sqlite = connector
        self._file: AutocommitConnection | None = None
        self._unfinished: set[Statement[Any]] = set()
        self._last: Statement[Any] | None = None
        self._thread.daemon = True  # a stuck statement must not keep the process alive
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: asyncio.Future[None] | None = None
        self.is_abandoned: bool = False

    def _open_file(self) -> AutocommitConnection:
        """Open the file, and remember it: aiosqlite knows nothing of one whose opening was cancelled."""
        self._file = self._open_sqlite()
        return self._file

    @cached_property
    def _plain(self) -> AutocommitConnection:
        if self._file is None:
            raise ValueError("no active connection")  # as aiosqlite says it
        return self._file

    @property
    def is_stopping(self) -> bool:
        """Whether the connection is closed, or will be as soon as its thread is free."""
        return self._stopped is not None

    @property
    def is_at_work(self) -> bool:
        """Whether the thread has not ended all that it was sent, though nothing may wait for it any more."""
        return self._last is not None and not self._last.is_done

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; while the thread is at work it may be.

        SQLite is not asked then. It would wait for the thread (seen with 3.53) and the caller holds Python's lock, for
        which a function of the user's on the thread waits in turn: nothing in the process would go on.
        """
        last = self._last  # as `is_at_work`; asked several times in each unit of work
        return (last is not None and not last.is_done) or self._conn.in_transaction

    @property
    def next_look(self) -> float | None:
        """When it looks for what should have ended, in the loop's time; None when nothing is waited for."""
        return None if self._timer is None or self._timer.cancelled() else self._timer.when()

    # -- statements ------------------------------------------------------------------------------------------------

    async def _send(self, work: Callable[[], T], seconds: float, *, is_end: bool = False) -> T:
        """Let the thread do something, and wait for it.

        Raises:
            sqlite3.OperationalError: it took longer.
            TimeoutError: the end of a transaction took longer.
            ValueError: the connection was closed, in aiosqlite's words, which SQLAlchemy knows.
        """
        if self._stopped is not None or self._connection is None:
            raise ValueError("Connection closed")
        statement = self._start(work, seconds, is_end=is_end)
        try:
            return await statement.answer
        except asyncio.CancelledError:
            if not is_end:
                self._give_up(statement)
            raise
        finally:
            self._unfinished.discard(statement)

    def _start(self, work: Callable[[], T], seconds: float, *, is_end: bool = False) -> Statement[T]:
        """Let the thread do something."""
        loop = self._loop
        statement = Statement(work, self._lock, loop, due=loop.time() + seconds, is_end=is_end)
        self._unfinished.add(statement)
        self._last = statement
        if self._timer is None:
            self._watch(statement.due)
        self._tx.put_nowait((None, statement.run))
        return statement

    def _watch(self, due: float) -> None:
        """Look again when something is due; one timer serves many statements, and keeps no connection alive."""
        weak: weakref.ref[ThreadConnection] = weakref.ref(self)
        self._timer = self._loop.call_at(due, _give_up_overdue, weak)

    def give_up_overdue(self, at: float | None = None) -> None:
        """Interrupt what should have ended, and look again when the next one should have.

        Args:
            at: the loop's time that counts; now when None.
        """
        self._timer = None
        now = self._loop.time() if at is None else at
        later = [statement.due for statement in self._unfinished if statement.due > now]
        for statement in list(self._unfinished):
            if statement.due <= now and not statement.answer.done():
                self._give_up(statement)
        if later:
            self._watch(min(later))

    def _give_up(self, statement: Statement[T]) -> None:
        """Interrupt a statement until it has ended: it may have been about to begin. Abandon a thread that stays."""
        if statement.is_end:
            self.abandon()
            return
        if statement.give_up(self.interrupt_now) or running_loop() is not self._loop:
            return
        if self._loop.time() < (statement.given_up_at or 0) + INTERRUPT_GRACE:
            self._loop.call_later(_AGAIN, self._give_up, statement)
        else:
            self.abandon()

    def interrupt_now(self) -> None:
        """Stop the statement that runs on the thread; without one, do nothing."""
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.ProgrammingError):  # closed by the thread meanwhile
                connection.interrupt()

    # -- the end ---------------------------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Wait for the thread no longer; when it comes back, it closes the file."""
        self.is_abandoned = True
        stopped = self.stop()
        for statement in list(self._unfinished):
            statement.fail(TimeoutError() if statement.is_end else sqlite3.OperationalError("interrupted"))
        if not stopped.done():
            stopped.set_result(None)

    def stop(self) -> asyncio.Future[None]:
        """Interrupt and close on the thread; the same future however often it is called."""
        if self._stopped is None:
            self._stopped = self._loop.create_future()
            for statement in list(self._unfinished):  # none: an interrupt would spoil the last checkpoint
                if not statement.is_end:
                    self._give_up(statement)
            if self._timer is not None and running_loop() is self._loop:
                self._timer.cancel()
            self._tx.put_nowait((None, self._close_file))
        return self._stopped

    def _close_file(self) -> None:
        """Close the file and end the thread; runs on it."""
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
        self._connection = None
        super().stop()  # here, where no loop runs, aiosqlite makes no future that a closed loop would not take
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._has_stopped)

    def _has_stopped(self) -> None:
        """The file is closed."""
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)

    async def close(self) -> None:
        """Close. A caller that is cancelled meanwhile is so only afterwards: half closed, it would lose its place."""
        stopped = self.stop()
        bound = self._loop.call_later(self._deadlines.close, self.abandon)
        cancelled = False
        while not stopped.done():
            try:
                await asyncio.shield(stopped)
            except asyncio.CancelledError:
                cancelled = True
        bound.cancel()
        if cancelled:
            cancel_again()


def _give_up_overdue(weak: weakref.ref[ThreadConnection]) -> None:
    if (connection := weak()) is not None:
        connection.give_up_overdue()
