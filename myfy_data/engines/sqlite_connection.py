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
from myfy_data.engines.sqlite_cursor import BunchCursor
from myfy_data.engines.sqlite_dbapi_connection import PlainConnection
from myfy_data.engines.sqlite_statement import Statement
from myfy_data.engines.sqlite_turns import WriterQueue

_AGAIN = 0.01
"""Seconds between two interrupts of a statement that has not ended."""


class SerialConnection(aiosqlite.Connection):
    """A connection that holds its turn to write until its transaction has ended, however that happens.

    Args:
        connector: opens the sqlite3 connection; runs on the connection's own thread.
        queue: whose turn it is to write; None when there is only this connection.
        deadline: seconds after which a running statement is interrupted.

    Attributes:
        autocommit: whether SQLAlchemy's transactions are to begin none here.
        read_only: whether SQLite is to refuse writes; said to it with the next statement.
        left_queue: whether the last one who wanted to write was cancelled in the queue, before anything was sent.
    """

    def __init__(self, connector: Callable[[], PlainConnection], queue: WriterQueue | None, deadline: float) -> None:
        super().__init__(self._open_file, 64)
        self._open_sqlite = connector
        self._file: PlainConnection | None = None
        self._unfinished: set[Statement] = set()
        self._thread.daemon = True  # a stuck statement must not keep the process alive
        self._queue = queue
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._has_turn = False
        self._begins_with_next = False
        self._refuses_writes = False
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: asyncio.Future[Any] | None = None
        self.autocommit = False
        self.read_only = False
        self.left_queue = False

    def _open_file(self) -> sqlite3.Connection:
        """Open the file, and remember it: aiosqlite knows nothing of one whose opening was cancelled."""
        self._file = self._open_sqlite()
        return self._file

    @property
    def _plain(self) -> PlainConnection:
        if self._file is None:
            raise ValueError("no active connection")  # as aiosqlite says it
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

    # -- transactions ----------------------------------------------------------------------------------------------

    def begin_reading(self) -> None:
        """Begin a transaction with the next statement: before it reads, it would hold nothing anyway."""
        self._begins_with_next = True

    async def begin_writing(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on to the queue
        """Wait for the turn to write, then begin a transaction that has the right to.

        Raises:
            TimeoutError: the turn did not come within `timeout` seconds.
        """
        try:
            await self._take_turn(timeout)
        except asyncio.CancelledError:
            self.left_queue = True
            raise
        try:
            await self._execute(self._begin, "BEGIN IMMEDIATE")
        except Exception:
            # A cancellation costs the connection, which ends its turn when it is closed: not before.
            self.end_turn()
            raise

    async def _take_turn(self, timeout: float) -> None:  # noqa: ASYNC109 - as above
        if self._queue is not None and not self._has_turn:
            await self._queue.enter(timeout)
            self._has_turn = True

    def end_turn(self) -> None:
        """Let the next one write."""
        if self._has_turn and self._queue is not None:
            self._has_turn = False
            self._queue.leave()

    def _begin(self, statement: str) -> None:
        self._plain.begin(statement)

    def _prepare(self, work: Callable[[], Any]) -> Any:
        """Do a piece of work behind what is due before it; runs on the thread."""
        wanted = self.read_only
        if self._refuses_writes is not wanted:
            self.sqlite_cursor().execute(f"PRAGMA query_only = {'ON' if wanted else 'OFF'}")
            self._refuses_writes = wanted
        if self._begins_with_next:
            self._begin("BEGIN")
            self._begins_with_next = False
        return work()

    async def commit(self) -> None:
        """Commit; a transaction that SQLite keeps open keeps its turn."""
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        """Roll back and end the turn."""
        await self._end(self._conn.rollback)

    @property
    def may_end_transaction(self) -> bool:
        """Whether a statement may end the transaction that SQLAlchemy has begun, as migrations do."""
        return self._plain.may_end

    @may_end_transaction.setter
    def may_end_transaction(self, value: bool) -> None:
        self._plain.may_end = value

    def check_open(self) -> None:
        """Whether the transaction that SQLAlchemy has begun can be committed.

        Raises:
            TransactionEndedError: the database has ended it.
        """
        self._plain.check_open()

    def forget_transaction(self) -> None:
        """SQLAlchemy has ended its transaction; sends nothing."""
        self._begins_with_next = False
        if self._file is not None:
            self._file.forget_transaction()

    async def _end(self, finish: Callable[[], None]) -> None:
        connection = self._conn
        if connection.in_transaction:
            # Not self._execute: an end that is interrupted would leave the caller with no end at all.
            await super()._execute(finish)  # type: ignore[no-untyped-call]  # not typed
        if not connection.in_transaction:
            self.end_turn()

    # -- statements ------------------------------------------------------------------------------------------------

    def cursor(self) -> BunchCursor:  # type: ignore[override]  # it can be awaited, too
        """A cursor; sends nothing."""
        return BunchCursor(self)

    def sqlite_cursor(self) -> sqlite3.Cursor:
        """A cursor of sqlite3 that `remember` must hear of when its statement has not ended."""
        return self._plain.unremembered_cursor()

    def remember(self, cursor: sqlite3.Cursor) -> None:
        """Close a cursor with the connection; runs on the thread."""
        self._plain.remember(cursor)

    def execute_on(self, cursor: sqlite3.Cursor, sql: str, parameters: Any) -> None:
        """Run a statement on one of `sqlite_cursor`; runs on the thread, within `_execute`."""
        self._plain.execute_on(cursor.execute, sql, parameters)

    def execute_script(self, cursor: sqlite3.Cursor, script: str) -> None:
        """Run several statements on one of `sqlite_cursor`; runs on the thread, within `_execute`."""
        self._plain.execute_script(cursor, script)

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        work = partial(fn, *args, **kwargs)
        if self._begins_with_next or self._refuses_writes is not self.read_only:
            work = partial(self._prepare, work)
        statement = Statement(partial(self._plain.run, work), self._lock, self._loop.time() + self._deadline)
        self._unfinished.add(statement)
        self._watch(statement.due)
        try:
            return await super()._execute(statement.run)  # type: ignore[no-untyped-call]  # not typed
        except asyncio.CancelledError:
            self._give_up(statement)
            raise
        finally:
            self._unfinished.discard(statement)

    def _watch(self, due: float) -> None:
        """Look again when something is due; one timer serves many statements, and keeps no connection alive."""
        if self._timer is None:
            self._timer = self._loop.call_at(due, _give_up_overdue, weakref.ref(self))

    def give_up_overdue(self) -> None:
        """Interrupt what should have ended, and look again when the next one should have."""
        self._timer = None
        now = self._loop.time()
        later = [statement.due for statement in self._unfinished if statement.due > now]
        for statement in self._unfinished:
            if statement.due <= now:
                self._give_up(statement)
        if later:
            self._watch(min(later))

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

    # -- the end ---------------------------------------------------------------------------------------------------

    def stop(self) -> asyncio.Future[Any] | None:
        """Interrupt, close on the thread and end the turn then; the same future however often it is called."""
        if self._stopped is None:
            for statement in list(self._unfinished):  # none: an interrupt would spoil the last checkpoint
                self._give_up(statement)
            self._tx.put_nowait((None, self._close_file))
            if running_loop() is self._loop:
                if self._timer is not None:
                    self._timer.cancel()
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


def _give_up_overdue(weak: weakref.ref[Any]) -> None:
    if (connection := weak()) is not None:
        connection.give_up_overdue()
