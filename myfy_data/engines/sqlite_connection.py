"""aiosqlite's connection made honest: real transactions, one writer at a time in fair turns, statements that end.

sqlite3's legacy mode begins a transaction at the first write only: what was read before it may be stale, and under 32
writers 97 of 100 updates were lost without an error (measured). So the driver is left in autocommit and the
transaction is begun by us, as a writer unless it is known to be a reader.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import aiosqlite

from myfy_data.engines.home import cancel_again, running_loop

_AGAIN = 0.01
"""Seconds between two interrupts of a statement that has not ended."""

_QUEUES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakValueDictionary[str, WriterQueue]]
_QUEUES = weakref.WeakKeyDictionary()


class WriterQueue:
    """Whose turn it is to write to a file, first come first served.

    SQLite's own way of waiting for a lock is to try again at random: somebody may wait forever.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def enter(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is the queue's, told to the user
        """Wait for the turn.

        Raises:
            TimeoutError: it did not come within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            await self._lock.acquire()

    def leave(self) -> None:
        """Give the turn to the next one."""
        self._lock.release()


def writer_queue(path: str) -> WriterQueue:
    """The queue that all profiles of the running loop share for one file."""
    queues = _QUEUES.setdefault(asyncio.get_running_loop(), weakref.WeakValueDictionary())
    return queues.setdefault(path, WriterQueue())


class PlainConnection(sqlite3.Connection):
    """A connection whose driver never begins a transaction by itself, whatever SQLAlchemy resets it to."""

    @property
    def isolation_level(self) -> None:
        """None: the driver is in autocommit."""
        return

    @isolation_level.setter
    def isolation_level(  # pyright: ignore[reportIncompatibleVariableOverride]  # it is a property in sqlite3 too
        self, value: str | None
    ) -> None:
        """Ignored: after `AUTOCOMMIT`, SQLAlchemy would go back to legacy transactions."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """A cursor, which is remembered until nobody has it any more."""
        cursor = super().cursor(*arguments, **options)
        self._cursors.add(cursor)
        return cursor

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Run a statement on a cursor of its own."""
        return self.cursor().execute(*arguments)  # type: ignore[no-any-return]  # its type is the caller's choice

    def close(self) -> None:
        """Close the cursors, roll back, then close.

        An interrupted SELECT that was read in part keeps its lock on the file while its cursor is alive, and lets no
        rollback pass; Python 3.11 keeps the file locked by any cursor.
        """
        for cursor in list(self._cursors):
            with suppress(sqlite3.Error):
                cursor.close()
        with suppress(sqlite3.Error):
            self.rollback()
        super().close()


class Statement:
    """A piece of work for the connection's thread that can be given up, before it begins or while it runs.

    SQLite's interrupt reaches what runs at that moment. A statement that stands in line for the thread, or is about to
    begin, would not hear of it; and what comes after it (a rollback, a close) must not.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._given_up = False
        self._done = False

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


class SerialConnection(aiosqlite.Connection):
    """A connection that holds its turn to write until its transaction has ended, however that happens.

    Args:
        connector: opens the sqlite3 connection; runs on the connection's own thread.
        queue: whose turn it is to write; None when there is only this connection.
        deadline: seconds after which a running statement is interrupted.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], queue: WriterQueue | None, deadline: float) -> None:
        super().__init__(self._open_file, 64)
        self._open_sqlite = connector
        self._file: sqlite3.Connection | None = None
        self._unfinished: set[Statement] = set()
        self._thread.daemon = True  # a stuck statement must not keep the process alive
        self._queue = queue
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._has_turn = False
        self._reads_only = False
        self._stopped: asyncio.Future[Any] | None = None

    def _open_file(self) -> sqlite3.Connection:
        """Open the file, and remember it: aiosqlite knows nothing of one whose opening was cancelled."""
        self._file = self._open_sqlite()
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    async def open(self) -> SerialConnection:
        """Open the connection; when that fails, its thread has ended before the failure is told."""
        try:
            await self
        except Exception:
            await self.close()
            raise
        return self

    # -- turns -----------------------------------------------------------------------------------------------------

    async def take_turn(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on to the queue
        """Wait for the turn to write.

        Raises:
            TimeoutError: it did not come within `timeout` seconds.
        """
        if self._queue is not None and not self._has_turn:
            await self._queue.enter(timeout)
            self._has_turn = True

    def end_turn(self) -> None:
        """Let the next one write."""
        if self._has_turn and self._queue is not None:
            self._has_turn = False
            self._queue.leave()

    async def begin_reading(self) -> None:
        """Let SQLite refuse writes until the transaction ends."""
        self._reads_only = True
        await self._execute(self._conn.execute, "PRAGMA query_only = ON")

    # -- statements ------------------------------------------------------------------------------------------------

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        statement = Statement(partial(fn, *args, **kwargs))
        timer = self._loop.call_later(self._deadline, self._give_up, statement)
        self._unfinished.add(statement)
        try:
            result = await super()._execute(statement.run)  # type: ignore[no-untyped-call]  # not typed
        except asyncio.CancelledError:
            self._give_up(statement)
            raise
        finally:
            timer.cancel()
            self._unfinished.discard(statement)
        return result

    def _give_up(self, statement: Statement) -> None:
        """Interrupt a statement until it has ended: it may have been about to begin."""
        if not statement.give_up(self.interrupt_now) and running_loop() is self._loop:
            self._loop.call_later(_AGAIN, self._give_up, statement)

    def interrupt_now(self) -> None:
        """Stop the statement that runs on the thread; without one, do nothing."""
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.ProgrammingError):  # closed by the thread meanwhile
                connection.interrupt()

    async def commit(self) -> None:
        """Commit; a transaction that SQLite keeps open keeps its turn."""
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        """Roll back and end the turn."""
        await self._end(self._conn.rollback)

    async def _end(self, finish: Callable[[], None]) -> None:
        connection = self._conn
        if connection.in_transaction or self._reads_only:
            # Not self._execute: an end that is interrupted would leave the caller with no end at all.
            await super()._execute(self._finish, finish, connection)  # type: ignore[no-untyped-call]  # not typed
        if not connection.in_transaction:
            self.end_turn()

    def _finish(self, finish: Callable[[], None], connection: sqlite3.Connection) -> None:
        try:
            finish()
        finally:
            if self._reads_only and not connection.in_transaction:
                connection.execute("PRAGMA query_only = OFF")
                self._reads_only = False

    # -- the end ---------------------------------------------------------------------------------------------------

    def stop(self) -> asyncio.Future[Any] | None:
        """Interrupt, close on the thread and end the turn then; the same future however often it is called."""
        if self._stopped is None:
            for statement in list(self._unfinished):  # none: an interrupt would spoil the last checkpoint
                self._give_up(statement)
            self._tx.put_nowait((None, self._close_file))
            if running_loop() is self._loop:
                self._stopped = super().stop()
            else:
                # In a thread that has no loop, aiosqlite makes no future that another loop would have to wait for.
                threading.Thread(target=super().stop).start()
            if self._stopped is not None:
                self._stopped.add_done_callback(lambda _: self.end_turn())
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self.end_turn)
        return self._stopped

    async def close(self) -> None:
        """Close. A caller that is cancelled meanwhile is so only afterwards: half closed, it would lose its place."""
        stopped = self.stop()
        cancelled = False
        while stopped is not None and not stopped.done():
            try:
                await asyncio.shield(stopped)
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            cancel_again()
