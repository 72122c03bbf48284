"""aiosqlite's connection made honest: real transactions, one writer at a time in fair turns, statements that end.

sqlite3's legacy mode begins a transaction at the first write only: what was read before it may be stale, and under 32
writers 97 of 100 updates were lost without an error (measured). So the driver is left in autocommit and the
transaction is begun by us, as a writer unless it is known to be a reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from myfy_data.engines.sqlite_cursor import BUNCH, BunchCursor
from myfy_data.engines.sqlite_dbapi_connection import PlainConnection
from myfy_data.engines.sqlite_thread import Deadlines, ThreadConnection
from myfy_data.engines.sqlite_turns import QueueAccess, Turn


class SerialConnection(ThreadConnection):
    """A connection that holds its turn to write until its transaction has ended, however that happens.

    Args:
        connector: opens the sqlite3 connection; runs on the connection's own thread.
        access: the way to the turn to write; None when there is only this connection.
        deadlines: its bounds.

    Attributes:
        autocommit: whether SQLAlchemy's transactions are to begin none here.
        reads_uncommitted: whether its level is READ UNCOMMITTED, which matters where memory is shared.
        is_fresh: whether nothing was sent since the pool handed it out, so that another one would do as well.
    """

    def __init__(
        self, connector: Callable[[], PlainConnection], access: QueueAccess | None, deadlines: Deadlines
    ) -> None:
        super().__init__(connector, deadlines)
        self._access = access
        self._turn: Turn | None = None
        self.autocommit = False
        self.is_fresh = False
        self.reads_uncommitted = False

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
        self._plain.begins_with_next = True

    @property
    def awaited(self) -> QueueAccess | None:
        """The queue to stand in before a transaction begins; None for a reader, in AUTOCOMMIT, or with the turn had."""
        return None if self.autocommit or self.read_only or self._turn is not None else self._access

    def adopt(self, turn: Turn) -> None:
        """Keep a turn that was waited for without this connection until the transaction has ended."""
        self._turn = turn

    async def begin_writing(self) -> None:
        """Begin a transaction that has the right to write; the turn is had."""
        try:
            await self._execute(self._begin, "BEGIN IMMEDIATE")
        except Exception:
            # A cancellation costs the connection, which ends its turn when it is closed: not before.
            self.end_turn()
            raise

    def end_turn(self) -> None:
        """Let the next one write."""
        turn, self._turn = self._turn, None
        if turn is not None and self._access is not None:
            self._access.queue.leave(turn)

    def _begin(self, statement: str) -> None:
        self._plain.begin(statement)

    async def commit(self) -> None:
        """Commit; a transaction that SQLite keeps open keeps its turn.

        Raises:
            TimeoutError: no answer in time, so nobody knows whether it is stored.
        """
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        """Roll back and end the turn. A thread that does not come back does both when it does."""
        if self._stopped is None:
            with suppress(TimeoutError):
                await self._end(self._conn.rollback)

    @property
    def read_only(self) -> bool:
        """Whether SQLite is to refuse writes; said to it with the next piece of work, by whichever door that comes."""
        return self._plain.read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._plain.read_only = value

    def hand_out(self, file_id: tuple[int, int] | None) -> str:
        """Begin anew for the pool's next user; why it is not fit for that, or nothing.

        Args:
            file_id: device and number of the file at the path; None in memory.
        """
        return "the connection was closed" if self._stopped is not None else self._plain.hand_out(file_id)

    @property
    def may_end_transaction(self) -> bool:
        """Whether a statement may end the transaction that SQLAlchemy has begun, as migrations do."""
        return self._plain.may_end

    @may_end_transaction.setter
    def may_end_transaction(self, value: bool) -> None:
        self._plain.may_end = value

    async def read_uncommitted(self, value: bool) -> None:  # noqa: FBT001 - SQLite's switch
        """Read what others have not committed, or no more."""
        await self._execute(self.sqlite_cursor().execute, f"PRAGMA read_uncommitted = {int(value)}")
        self.reads_uncommitted = value

    def check_open(self) -> None:
        """Whether the transaction that SQLAlchemy has begun can be committed.

        Raises:
            TransactionEndedError: the database has ended it.
        """
        self._plain.check_open(is_abandoned=self.is_abandoned)

    def forget_transaction(self) -> None:
        """SQLAlchemy has ended its transaction; sends nothing."""
        if self._file is not None:
            self._file.forget_transaction()

    async def _end(self, finish: Callable[[], None]) -> None:
        connection = self._conn
        if connection.in_transaction:
            # An end that is interrupted would leave the caller with no end at all.
            await self._send(finish, self._deadlines.end, is_end=True)
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
        self.is_fresh = False
        work = partial(fn, *args, **kwargs)
        return await self._send(partial(self._plain.run, work), self._deadlines.statement)

    async def iterdump(self) -> AsyncIterator[str]:
        """The database as SQL, line by line; aiosqlite's own way goes on behind a caller that was cancelled."""
        lines = self._conn.iterdump()
        while bunch := await self._execute(lambda: list(islice(lines, BUNCH))):
            for line in bunch:
                yield line

    # -- the end ---------------------------------------------------------------------------------------------------

    def _has_stopped(self) -> None:
        super()._has_stopped()
        self.end_turn()
