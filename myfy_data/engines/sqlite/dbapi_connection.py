"""sqlite3's connection as its thread uses it: it never begins by itself, and knows when its transaction was ended.

SQLite itself ends a transaction on a full disk, an I/O error, `OR ROLLBACK` or `RAISE(ROLLBACK)`; so does any
statement that says COMMIT or ROLLBACK. From there sqlite3 would store each statement at once (contract C16.4).
"""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, Unpack, cast, overload

from myfy_data.engines.sqlite.backup import NO_BACKUP, CopyingConnection, CopyOptions
from myfy_data.engines.sqlite.pragmas import NOT_IN_A_TRANSACTION, WatchedConnection, first_word, is_watched
from myfy_data.engines.sqlite.snapshot import SnapshotConnection, only_reads
from myfy_data.errors import SessionError, TransactionEndedError

T = TypeVar("T")
C = TypeVar("C", bound=sqlite3.Cursor)

_COMMITS = frozenset({"COMMIT", "END"})


class GuardedCursor(sqlite3.Cursor):
    """A cursor of `AutocommitConnection` itself: what it runs stands in the transaction, or is refused."""

    @property
    def _owner(self) -> AutocommitConnection:
        return cast("AutocommitConnection", self.connection)

    def execute(self, sql: str, /, *parameters: object) -> GuardedCursor:
        """Run a statement."""
        connection, execute = self._owner, partial(sqlite3.Cursor.execute, self)
        connection.run(lambda: connection.execute_on(execute, sql, *parameters))
        return self

    def executemany(self, sql: str, parameters: object, /) -> GuardedCursor:
        """Run a statement once for each set of parameters."""
        connection, execute = self._owner, partial(sqlite3.Cursor.executemany, self)
        connection.run(lambda: connection.execute_on(execute, sql, parameters))
        return self

    def executescript(self, script: str, /) -> GuardedCursor:
        """Run several statements."""
        self._owner.execute_script(self, script)
        return self


class AutocommitConnection(WatchedConnection, SnapshotConnection, CopyingConnection):
    """A connection whose driver never begins a transaction by itself, whatever SQLAlchemy resets it to.

    Attributes:
        file_id: device and number of the file; None in memory.
        begins_with_next: what begins a transaction with the next piece of work; empty for nothing.
        waited: seconds for which such a BEGIN waited for another process, and that are not told yet.
        may_end: whether a statement may end the transaction that `begin` has begun, as a migration's does.
        may_write: whether that transaction was begun with the right to write.
    """

    file_id: tuple[int, int] | None = None
    may_end: bool = False
    may_write: bool = False
    begins_with_next: str = ""
    waited: float = 0.0
    is_altered: bool
    reads: bool
    has_written: bool
    _was_used = False
    _is_begun = False
    _statement = ""
    _cause: BaseException | None = None

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

    # -- the transaction -------------------------------------------------------------------------------------------

    def begin(self, statement: str) -> None:
        """Begin a transaction that is expected to stay open until `forget_transaction`.

        SQLAlchemy's recipe for savepoints has a listener begin one before us, which holds no right to write.
        """
        if self.in_transaction:
            super().cursor().execute("COMMIT")
        super().cursor().execute(statement)
        self._is_begun, self.may_write, self._cause = True, statement != "BEGIN", None
        self.has_read: bool = False
        self._note_begin()

    def forget_transaction(self) -> None:
        """Expect no transaction any more: SQLAlchemy has ended it."""
        self._is_begun, self._cause, self.begins_with_next = False, None, ""
        if self.stands_aside:
            self.stands_aside = self.read_only = self.pins_with_next = False

    @property
    def may_step_aside(self) -> bool:
        """Whether a transaction was begun to write, has written nothing, and can go on with its snapshot alone."""
        if self.begins_with_next:
            begun = self.begins_with_next != "BEGIN"  # before it steps aside, it begins
        else:
            begun = self._is_begun and self.may_write and not self.has_written
        return self.is_wal and begun and not (self.stands_aside or self.may_end)

    def hand_out(self, file_id: tuple[int, int] | None) -> str:
        """Begin anew for the pool's next user; why it is not fit for that, or nothing.

        What listeners to `connect` have told a new connection belongs to the engine, and alters nothing.
        """
        self.forget_transaction()
        if self.is_altered and self._was_used:
            return "a session has changed the connection's state"
        self.is_altered, self._was_used = False, True
        return "" if self.file_id == file_id else "another file stands at the path"

    def check_open(self, *, is_abandoned: bool = False) -> None:
        """Whether what comes next stands in the transaction that was begun, if one was.

        Args:
            is_abandoned: the connection was given up, so its transaction ends as soon as that can be.

        Raises:
            TransactionEndedError: the database has ended it.
        """
        if self._is_begun and is_abandoned:
            reason = "its connection was given up, because something on its thread does not end"
            committed = None if first_word(self._statement) in _COMMITS else False  # it may be what does not end
            raise TransactionEndedError(self.profile, reason, committed=committed)
        if self._is_begun and not self.may_end and not self._is_open():
            raise self._ended() from self._cause

    def _is_open(self) -> bool:
        try:
            return self.in_transaction or self.pins_with_next
        except sqlite3.ProgrammingError:  # the engine was closed, and the connection with it
            self._cause = self._cause or sqlite3.OperationalError("the connection was closed")
            return False

    def run(self, work: Callable[[], T]) -> T:
        """Do a piece of work in the transaction, and keep the error that ended it.

        Raises:
            TransactionEndedError: it was ended before.
        """
        if self._is_begun and not self.in_transaction and not _only_closes(work):
            self.check_open()
        if self.begins_with_next or self._refuses_writes is not self.read_only:
            self._prepare()
        self.reads = _only_closes(work)
        if self.pins_with_next and not self.reads:
            self._pin()
        try:
            done = work()
        except BaseException as error:
            if self._is_begun and self._cause is None and not self.in_transaction:
                self._cause = error
            raise
        else:
            self.has_read = self.has_read or not self.reads  # whatever it was
            return done
        finally:
            self.has_written = self.has_written or not self.reads

    def _prepare(self) -> None:
        """What is due before the next piece of work."""
        if self._refuses_writes is not self.read_only:
            super().cursor().execute(f"PRAGMA query_only = {'ON' if self.read_only else 'OFF'}")
            self._refuses_writes = self.read_only
        if self.begins_with_next:
            started = time.monotonic()
            self.begin(self.begins_with_next)
            self.begins_with_next, self.waited = "", self.waited + time.monotonic() - started

    def execute_on(self, execute: Callable[..., object], sql: str, *parameters: object) -> None:
        """Run a statement by a cursor's method, and remember it: if it ends the transaction, it tells how.

        Raises:
            SessionError: it is a PRAGMA or an ATTACH that cannot have its effect here.
        """
        self._statement, self.reads = sql, only_reads(sql)
        if self.reads:
            self.has_read = True
        else:
            self._check_savepoint(sql)
            if self.read_only and first_word(sql) == "BEGIN":
                sql = "BEGIN"  # SQLAlchemy's recipe may ask for the right to write, which SQLite would refuse
        if not is_watched(sql):
            execute(sql, *parameters)
        elif self.watched(lambda: execute(sql, *parameters)) and self._is_begun and not self.may_end:
            raise SessionError(self.profile, NOT_IN_A_TRANSACTION.format(profile=self.profile))

    def blobopen(
        self, table: str, column: str, rowid: int, /, *, readonly: bool = False, name: str = "main"
    ) -> sqlite3.Blob:
        """Open a blob."""
        opening = partial(super().blobopen, table, column, rowid, readonly=readonly, name=name)
        return self.run(opening)

    def execute_script(self, cursor: sqlite3.Cursor, script: str) -> None:
        """Run several statements inside the transaction that is open, which sqlite3 would commit first."""
        if not self.in_transaction:
            self._statement = script
            self.run(lambda: self.watched(lambda: sqlite3.Cursor.executescript(cursor, script)))
            return
        execute = partial(sqlite3.Cursor.execute, cursor)
        for statement in split_script(script):
            self.run(partial(self.execute_on, execute, statement))

    def commit(self) -> None:
        """Commit."""
        self._statement = "COMMIT"
        super().commit()

    def rollback(self) -> None:
        """Roll back."""
        self._statement = "ROLLBACK"
        super().rollback()

    def _ended(self) -> TransactionEndedError:
        if self._cause is not None:
            return TransactionEndedError(self.profile, f"SQLite rolled it back ({self._cause})")
        word = first_word(self._statement)
        if word == "ROLLBACK":
            return TransactionEndedError(self.profile, "a ROLLBACK that SQLAlchemy did not send")
        if word in _COMMITS:
            return TransactionEndedError(self.profile, "a COMMIT that SQLAlchemy did not send", committed=True)
        return TransactionEndedError(self.profile, "SQLite has no transaction any more", committed=None)

    # -- what sqlite3 does not interrupt ---------------------------------------------------------------------------

    def backup(self, target: sqlite3.Connection, **options: Unpack[CopyOptions]) -> None:
        """Copy the database; between two steps and two tries it can be interrupted.

        Raises:
            SessionError: the transaction may write; SQLite would wait for its end, so for ever.
        """
        if self._is_begun and self.may_write and self.in_transaction:
            raise SessionError(self.profile, NO_BACKUP)
        super().backup(target, **options)

    # -- cursors ---------------------------------------------------------------------------------------------------

    @overload  # type: ignore[override]  # sqlite3's takes None in its types, and refuses it
    def cursor(self) -> GuardedCursor: ...
    @overload
    def cursor(self, factory: Callable[[sqlite3.Connection], C]) -> C: ...
    def cursor(  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        self, factory: Callable[[sqlite3.Connection], sqlite3.Cursor] = GuardedCursor
    ) -> sqlite3.Cursor:
        """A cursor, which is remembered until it is collected."""
        cursor = super().cursor(factory)
        self.remember(cursor)
        return cursor

    def unremembered_cursor(self) -> sqlite3.Cursor:
        """A plain cursor for `run`, with statements that leave nothing to be closed."""
        return super().cursor()

    def remember(self, cursor: sqlite3.Cursor) -> None:
        """Close a cursor with the connection."""
        self._cursors.add(cursor)

    def execute(self, sql: str, /, *parameters: object) -> GuardedCursor:
        """Run a statement on a cursor of its own; sqlite3's own way passes by the cursor's class."""
        return self.cursor().execute(sql, *parameters)

    def executemany(self, sql: str, parameters: object, /) -> GuardedCursor:
        """Run a statement once for each set of parameters on a cursor of its own."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str, /) -> GuardedCursor:
        """Run several statements on a cursor of its own."""
        return self.cursor().executescript(script)

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


def _only_closes(work: object) -> bool:
    """Whether a piece of work closes a cursor, which may be done whatever has become of the transaction."""
    function: Any = getattr(work, "func", work)
    return getattr(function, "__name__", "") == "close" and isinstance(function.__self__, sqlite3.Cursor)


def split_script(script: str) -> Iterator[str]:
    """The statements of a script, one by one; a trigger is one."""
    start, end = 0, script.find(";") + 1
    while end:
        if sqlite3.complete_statement(script[start:end]):
            yield script[start:end]
            start = end
        end = script.find(";", end) + 1
    if script[start:].strip():
        yield script[start:]
