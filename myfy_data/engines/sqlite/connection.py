"""aiosqlite's connection made honest: real transactions, one writer at a time in fair turns, statements that end.

sqlite3's legacy mode begins a transaction at the first write only: what was read before it may be stale, and under 32
writers 97 of 100 updates were lost without an error (measured). So the driver is left in autocommit and the
transaction is begun by us, as a writer unless it is known to be a reader.
"""

from __future__ import annotations

import asyncio
import sqlite3
import weakref
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from myfy_data.engines.observation import Hold
from myfy_data.engines.pool.loop_affinity import current_task
from myfy_data.engines.sqlite.cursor import PREFETCH, PrefetchCursor, repeatable
from myfy_data.engines.sqlite.dbapi_connection import AutocommitConnection
from myfy_data.engines.sqlite.error_names import is_query_only
from myfy_data.engines.sqlite.snapshot import TurnNeededError
from myfy_data.engines.sqlite.thread import Deadlines, ThreadConnection
from myfy_data.engines.sqlite.write_queue import QueueAccess, Turn
from myfy_data.errors import SessionError, TransactionEndedError

T = TypeVar("T")


class QueuedConnection(ThreadConnection):
    """A connection that holds its turn to write until its transaction has ended, however that happens.

    Args:
        connector: opens the sqlite3 connection; runs on the connection's own thread.
        access: the way to the turn to write; None when there is only this connection.
        deadlines: its bounds.

    Attributes:
        autocommit: whether SQLAlchemy's transactions are to begin none here.
        door: is told of the statements that come by the driver's own methods, once something listens.
        reads_uncommitted: whether its level is READ UNCOMMITTED, which matters where memory is shared.
        streams: cursors whose statement had rows left when it was sent.
        task: the one that used it last, not kept alive.
        idle_since: when the last statement ended, by the loop's clock.
        is_fresh: whether nothing was sent since the pool handed it out, so that another one would do as well.
    """

    def __init__(
        self, connector: Callable[[], AutocommitConnection], access: QueueAccess | None, deadlines: Deadlines
    ) -> None:
        super().__init__(connector, deadlines)
        self._access = access
        self._turn: Turn | None = None
        self._aside: asyncio.Future[Any] | None = None
        self.streams: weakref.WeakSet[PrefetchCursor] = weakref.WeakSet()
        self.autocommit = False
        self.is_fresh: bool = False
        self.door: Hold | None = None
        self.idle_since: float = 0.0
        self.task: weakref.ref[asyncio.Task[Any]] | None = None
        self.reads_uncommitted: bool = False

    async def open(self) -> QueuedConnection:
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
        self._plain.begins_with_next = "BEGIN"

    @property
    def awaited(self) -> QueueAccess | None:
        """The queue to stand in before a transaction begins; None for a reader, in AUTOCOMMIT, or with the turn had."""
        return None if self.autocommit or self.read_only or self._turn is not None else self._access

    def adopt(self, turn: Turn) -> None:
        """Keep a turn until the transaction has ended, or steps aside; one that has been closed keeps none."""
        self._turn = turn
        turn.holder = weakref.ref(self)
        if self._stopped is not None and self._stopped.done():
            self.end_turn()  # what ends it at the close has run already

    def take_waited(self) -> float:
        """Seconds that were waited for the turn, and for another process's lock, since this was asked last."""
        plain, turn = self._plain, self._turn
        waited, plain.waited = plain.waited, 0.0
        if turn is not None:
            waited, turn.waited = waited + turn.waited, 0.0
        return waited

    def begin_writing(self) -> None:
        """Begin a transaction that has the right to write with the next statement, in the same message."""
        self._plain.begins_with_next = "BEGIN IMMEDIATE"

    def end_turn(self) -> None:
        """Let the next one write."""
        turn, self._turn = self._turn, None
        if turn is not None and self._access is not None:
            self._access.queue.leave(turn)

    # -- a transaction that has only read steps aside (ADR 22) -----------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether the thread has something to do, or will close the file, which ends the turn."""
        return self.is_at_work or bool(self._unfinished) or self._stopped is not None

    @property
    def may_step_aside(self) -> bool:
        """Whether the transaction has only read, and has no statement under way."""
        if self.is_busy or any(cursor.has_statement for cursor in self.streams):
            return False
        return self._plain.may_step_aside

    def step_aside(self) -> None:
        """Let the thread give the right to write away, and the turn with it as soon as that is done."""
        plain = self._plain
        statement = self._start(partial(plain.run, plain.step_aside), self._deadlines.statement)
        self._aside = statement.answer

        def stepped(answer: asyncio.Future[bool]) -> None:
            self._aside = None
            self._unfinished.discard(statement)
            if answer.exception() is not None or answer.result():
                self.end_turn()
            elif self._access is not None:
                self._access.queue.keep(self)

        statement.answer.add_done_callback(stepped)

    async def _take_turn(self, access: QueueAccess) -> None:
        turn = Turn(has_connection=True)
        await access.enter(turn)
        self.adopt(turn)

    async def _take_again(self) -> None:
        """Wait for the turn, then go on as a writer.

        Raises:
            PoolExhausted: the turn did not come.
            TransactionEndedError: the database has changed since the transaction read.
        """
        assert self._access is not None  # noqa: S101 - it had a turn before
        await self._take_turn(self._access)
        plain = self._plain
        try:
            await self._send(partial(plain.run, plain.take_again), self._deadlines.statement)
        except sqlite3.Error:
            self.end_turn()
            self.check_open()
            raise

    def _wants_turn(self, error: Exception) -> bool:
        """Whether a statement was refused only because the transaction has stepped aside."""
        if not self._plain.stands_aside or isinstance(error, TransactionEndedError):
            return False
        if isinstance(error, SessionError | TurnNeededError):
            return True
        return is_query_only(error)

    async def commit(self) -> None:
        """Commit; a transaction that SQLite keeps open keeps its turn.

        Raises:
            TimeoutError: no answer in time; whether it is stored is unknown.
        """
        if self._aside is not None:
            await asyncio.wait([self._aside])
            self.check_open()
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        """Roll back and end the turn. A thread that does not come back does both when it does."""
        if self._stopped is None:
            try:
                await self._end(self._conn.rollback)
            except TimeoutError:
                return

    @property
    def read_only(self) -> bool:
        """Whether SQLite is to refuse writes; said to it with the next piece of work of any kind."""
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
        await self._execute(partial(self.sqlite_cursor().execute, f"PRAGMA read_uncommitted = {int(value)}"))
        self.reads_uncommitted = value

    def check_open(self) -> None:
        """Whether the transaction that SQLAlchemy has begun can be committed.

        Raises:
            TransactionEndedError: the database has ended it.
        """
        if self.is_abandoned or not self.is_at_work:
            self._plain.check_open(is_abandoned=self.is_abandoned)

    def forget_transaction(self) -> None:
        """SQLAlchemy has ended its transaction; sends nothing."""
        if self._file is not None:
            self._file.forget_transaction()

    async def _end(self, finish: Callable[[], None]) -> None:
        if self.in_transaction:
            # An end that is interrupted would leave the caller with no end at all.
            await self._send(finish, self._deadlines.end, is_end=True)
        if not self.in_transaction:
            self.end_turn()

    # -- statements ------------------------------------------------------------------------------------------------

    def cursor(self) -> PrefetchCursor:  # type: ignore[override]  # it can be awaited, too
        """A cursor; sends nothing."""
        return PrefetchCursor(self)

    def sqlite_cursor(self) -> sqlite3.Cursor:
        """A cursor of sqlite3 that `remember` must hear of when its statement has not ended."""
        return self._plain.unremembered_cursor()

    def note_read(self) -> None:
        """The piece of work that runs only reads; on the thread, within `_execute`."""
        self._plain.reads = True

    def remember(self, cursor: sqlite3.Cursor) -> None:
        """Close a cursor with the connection; runs on the thread."""
        self._plain.remember(cursor)

    def execute_on(self, cursor: sqlite3.Cursor, sql: str, parameters: object) -> None:
        """Run a statement on one of `sqlite_cursor`; runs on the thread, within `_execute`."""
        self._plain.execute_on(cursor.execute, sql, parameters)

    def execute_script(self, cursor: sqlite3.Cursor, script: str) -> None:
        """Run several statements on one of `sqlite_cursor`; runs on the thread, within `_execute`."""
        self._plain.execute_script(cursor, script)

    async def _execute(self, fn: Callable[..., T], *args: object, **kwargs: object) -> T:
        door = self.door
        if door is not None and not door.is_inside and args and isinstance(args[0], str):  # a statement of the user's
            return await door.measure(args[0], lambda: self._execute(fn, *args, **kwargs))
        self.is_fresh, self.task = False, current_task()
        if self._needs_turn_again and self._access is not None:
            await self._take_turn(self._access)
        work = partial(self._plain.run, partial(fn, *args, **kwargs))
        try:
            return await self._send(work, self._deadlines.statement)
        except (sqlite3.OperationalError, SessionError) as error:
            if self._plain.begins_with_next:
                self.end_turn()  # it has not begun, and another one may
            if not self._wants_turn(error):
                raise
        finally:
            self.idle_since = self._loop.time()
        await self._take_again()
        return await self._execute(fn, *args, **kwargs)

    @property
    def _needs_turn_again(self) -> bool:
        """Whether the turn went with a BEGIN that failed; a connection that was closed takes none any more."""
        return self._turn is None and self._stopped is None and self._plain.begins_with_next == "BEGIN IMMEDIATE"

    def executemany(self, sql: str, parameters: Iterable[Iterable[object]]) -> Any:
        """Run a statement once for each set of parameters."""
        return super().executemany(sql, repeatable(parameters))

    async def iterdump(self) -> AsyncIterator[str]:
        """The database as SQL, line by line; aiosqlite's own way goes on behind a caller that was cancelled."""
        lines = self._conn.iterdump()
        while bunch := await self._execute(lambda: list(islice(lines, PREFETCH))):
            for line in bunch:
                yield line

    # -- the end ---------------------------------------------------------------------------------------------------

    def _has_stopped(self) -> None:
        super()._has_stopped()
        self.end_turn()
