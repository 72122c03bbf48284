"""How far a running migration has come, kept in the database itself, so that the next run can go on (ADR 0013).

The table exists only while migrations run. Its first row says which revision runs, in which process; each statement of
the revision adds a row in the transaction of the statement. What a killed process leaves behind is therefore exact: on
PostgreSQL and SQLite the rows are rolled back with the statements; on MySQL and MariaDB, which commit at every DDL
statement, they stay with them. Only of the very last row it is unknown whether its statement ran.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, delete, insert, inspect, select
from sqlalchemy.engine import Dialect

from myfy_data.engines.connect.leading_comments import match_behind
from myfy_data.engines.mysql import error_codes
from myfy_data.engines.postgresql import sqlstates
from myfy_data.migrations.file_lock import this_process

_GAP = re.compile(r"(?:\s+|/\*.*?\*/|--[^\n]*\n)*", re.DOTALL)

_UNCOUNTED = re.compile(
    r"(?:SELECT|SHOW|EXPLAIN|DESCRIBE|PRAGMA|SET|RESET|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE,
)
"""What reads, and what belongs to the session: it runs every time."""


def is_counted(statement: str) -> bool:
    """Whether a statement changes something, so that it must not run a second time."""
    return match_behind(_GAP, _UNCOUNTED, statement) is None


_CHANGES_ROWS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|MERGE)\b", re.IGNORECASE)
_KEPT = 500
"""Characters of a statement that are kept, to tell which it was."""

_ALREADY_SO_WORDS = re.compile(r"already exists|no such|duplicate column")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row.

    Attributes:
        position: the statement's number in its revision, from 1; 0 is the row of the run.
        step: the revision and which way, such as `upgrade 3f2a`.
        digest: what the statement and its parameters come to.
        statement: its beginning; for the run, its process.
    """

    position: int
    step: str
    digest: str
    statement: str


class ChangedRevisionError(Exception):
    """The revision is no longer the one whose beginning is in the database already."""


class Journal:
    """The rows of one database.

    Args:
        connection: the connection that migrates.
        table: the name of the table.
        schema: its schema, where the version table has one.
    """

    def __init__(self, connection: Connection, table: str, schema: str | None = None) -> None:
        self._connection = connection
        self._table = Table(
            table,
            MetaData(),
            Column("position", Integer, primary_key=True, autoincrement=False),
            Column("step", String(300), nullable=False),
            Column("digest", String(64), nullable=False),
            Column("statement", Text, nullable=False),
            schema=schema,
            mysql_engine="InnoDB",
        )
        self._exists: bool | None = None
        self._earlier: dict[int, Entry] = {}
        self._listens = False
        self._position = 0
        self._refused: int | None = None
        self.skipped: list[str] = []

    # -- the table -------------------------------------------------------------------------------------------------

    def read(self) -> list[Entry]:
        """What an earlier run left behind; empty when it came to its end."""
        self._exists = inspect(self._connection).has_table(self._table.name, schema=self._table.schema)
        if not self._exists:
            return []
        rows = self._connection.execute(select(self._table).order_by(self._table.c.position))
        return [Entry(*row) for row in rows]

    def begin(self, step: str, earlier: list[Entry]) -> None:
        """Tell that a revision begins, and commit that."""
        self._position, self._refused, self.skipped = 0, None, []
        self._earlier = {entry.position: entry for entry in earlier if entry.position > 0}
        if not self._exists:
            self._table.create(self._connection)
            self._exists = True
        self._connection.execute(delete(self._table).where(self._table.c.position == 0))
        self._write(Entry(0, step, "", this_process()))
        self._connection.commit()
        self._listens = True

    def end(self) -> None:
        """Tell that the revision is complete, in the transaction that records it."""
        self._listens = False
        self._connection.execute(delete(self._table))

    def close(self) -> None:
        """Take the table away: nothing is under way any more."""
        self._listens = False
        if self._exists is None:
            self.read()
        if self._exists:
            self._table.drop(self._connection)
            self._exists = False
        self._connection.commit()

    def fail(self) -> list[Entry]:
        """After a failure and a rollback: keep only what is in the database.

        Returns:
            The statements of the failed revision that stay, in order.
        """
        self._listens = False
        if not self._exists:
            return []
        if self._refused is not None:
            self._connection.execute(delete(self._table).where(self._table.c.position == self._refused))
            self._connection.commit()
        stay = [entry for entry in self.read() if entry.position > 0]
        if stay:
            self._connection.commit()
        else:
            self.close()
        return stay

    def is_at(self, entry: Entry) -> bool:
        """Whether this is the statement that ran last; what came of it, only its answer would tell."""
        return entry.position == self._position

    # -- the statements --------------------------------------------------------------------------------------------

    def execute(self, run: Callable[[], None], statement: str, dialect: Dialect) -> bool:
        """Run a statement of a revision, unless it is in the database already.

        Returns:
            Whether it was dealt with; False leaves it to SQLAlchemy.
        """
        if not self._listens or not is_counted(statement):
            return False
        self._position += 1
        # Its parameters are left out: they may hold the time of day.
        entry = Entry(self._position, "", hashlib.sha256(statement.encode()).hexdigest(), _kept(statement))
        earlier = self._earlier.get(self._position)
        if earlier is None:
            self._write(entry)
            self._run(run, dialect)
        elif earlier.digest != entry.digest:
            raise ChangedRevisionError(f"statement {earlier.position} was: {earlier.statement}")
        else:
            self._run_again(run, earlier, dialect)
        return True

    def _write(self, entry: Entry) -> None:
        listened, self._listens = self._listens, False  # our own statement is not one of the revision's
        try:
            self._connection.execute(insert(self._table).values(asdict(entry)))
        finally:
            self._listens = listened

    def _run(self, run: Callable[[], None], dialect: Dialect) -> None:
        self._refused = None
        try:
            run()
        except dialect.loaded_dbapi.Error as error:
            if not dialect.is_disconnect(error, None, None):
                self._refused = self._position  # it did not run, and that is known
            raise

    def _run_again(self, run: Callable[[], None], earlier: Entry, dialect: Dialect) -> None:
        is_last = earlier.position == max(self._earlier)
        if is_last and not _CHANGES_ROWS.match(earlier.statement):
            try:
                self._run(run, dialect)
            except dialect.loaded_dbapi.Error as error:
                if not says_already_so(dialect.name, error):
                    raise
            else:
                return
        self.skipped.append(earlier.statement)


def says_already_so(dialect: str, error: Exception) -> bool:
    """Whether a server refuses a statement because it ran before."""
    if dialect == "postgresql":
        return getattr(error, "sqlstate", None) in sqlstates.ALREADY_SO
    if dialect in ("mysql", "mariadb"):
        return bool(error.args) and error.args[0] in error_codes.ALREADY_SO
    return bool(_ALREADY_SO_WORDS.search(str(error)))


def _kept(statement: str) -> str:
    return " ".join(statement.split())[:_KEPT]
