"""A transaction that has only read steps aside for a writer, and keeps its snapshot (ADR 22).

What runs here runs on the connection's thread.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress

from myfy_data.engines.sqlite.error_names import BUSY_SNAPSHOT, BUSY_SNAPSHOT_CODE
from myfy_data.engines.sqlite.pragmas import first_word

_READS = frozenset({"SELECT", "WITH", "VALUES", "EXPLAIN"})
"""First words of statements that write only what `total_changes` counts."""

_ASKS = re.compile(
    r"\s*PRAGMA\s+(?:\S+\.)?(?:table_x?info|table_list|index_x?info|index_list|foreign_key_list)\b", re.I
)
"""What SQLAlchemy's inspection sends."""


class SnapshotOutOfDateError(sqlite3.OperationalError):
    """The database has changed since a transaction read that stepped aside; in SQLite's own terms."""

    sqlite_errorcode = BUSY_SNAPSHOT_CODE
    sqlite_errorname = BUSY_SNAPSHOT


class TurnNeededError(sqlite3.OperationalError):
    """A transaction that stands aside wants what only one with the turn may have."""


def only_reads(sql: str) -> bool:
    """Whether a statement changes nothing but what `total_changes` counts; in doubt it does."""
    if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):  # as SQLAlchemy writes them
        return sql.startswith("SELECT")
    return first_word(sql) in _READS or _ASKS.match(sql) is not None


class SnapshotConnection(sqlite3.Connection):
    """A connection that knows whether its transaction has only read.

    Attributes:
        is_wal: whether a reader holds up no writer, so that a transaction can step aside.
        read_only: whether it is to refuse writes; said to SQLite with the next piece of work.
        reads: whether the last piece of work has only read.
        has_written: whether the transaction may have written.
        has_read: whether the transaction has seen anything of the database.
        stands_aside: whether the transaction has given the right to write away.
        pins_with_next: whether it has no snapshot yet, because it had run no statement by then.
    """

    is_wal = False
    read_only: bool = False
    reads: bool = False
    has_written: bool = False
    has_read = False
    stands_aside: bool = False
    pins_with_next: bool = False
    _refuses_writes = False
    _changes = 0
    _version = 0

    def step_aside(self) -> bool:
        """End the transaction, if it has only read, and go on reading in its snapshot; whether that was done.

        One that has run no statement has seen nothing, and its snapshot waits for the first one.

        Raises:
            SnapshotOutOfDateError: another process has written in between; nothing is open any more.
        """
        self.reads = True
        if self.has_written or self.total_changes != self._changes:
            self.has_written = True
            return False
        self._version = self._data_version()
        self.say("COMMIT")
        self.pins_with_next = not self.has_read
        if self.has_read:
            self.say("BEGIN")
            self._check_version()  # a read: it pins the snapshot
        self.stands_aside = self.read_only = True
        return True

    def _pin(self) -> None:
        """Begin to read, in a snapshot of now."""
        self.say("BEGIN")
        self._version, self.pins_with_next = self._data_version(), False

    def take_again(self) -> None:
        """Go on as a writer, in the snapshot that was read, if anything was.

        Raises:
            SnapshotOutOfDateError: the database has changed since; nothing is open any more.
            sqlite3.OperationalError: another process writes, and did not end within `busy_timeout`; as above.
        """
        self.say("PRAGMA query_only = OFF")  # it refuses BEGIN IMMEDIATE, too
        self._refuses_writes = False
        if self.in_transaction:
            self.say("COMMIT")
        self.say("BEGIN IMMEDIATE")
        if self.has_read:
            self._check_version()
        self.stands_aside = self.read_only = self.pins_with_next = False
        self._note_begin()

    def _check_savepoint(self, sql: str) -> None:
        """A savepoint would not outlast `take_again`."""
        if self.stands_aside and first_word(sql) == "SAVEPOINT":
            raise TurnNeededError

    def _note_begin(self) -> None:
        """A transaction has begun that has written nothing yet."""
        self.has_written, self.reads, self._changes = False, True, self.total_changes

    def _check_version(self) -> None:
        if self._data_version() != self._version:
            with suppress(sqlite3.Error):
                self.say("ROLLBACK")
            raise SnapshotOutOfDateError(
                "it had only read when it gave its turn to write away, and the database has changed since"
            )

    def _data_version(self) -> int:
        cursor = super().cursor()
        cursor.row_factory = None  # the user's may give something else than tuples
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])

    def say(self, statement: str) -> None:
        """Run a statement that ends or begins a transaction, or sets something of the connection."""
        super().cursor().execute(statement)
