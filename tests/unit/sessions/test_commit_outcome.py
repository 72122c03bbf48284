"""Which errors leave the outcome of a COMMIT open, and which refuse a write (contract C5.3, C5.10)."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from myfy_data.errors import ConnectTimeoutError, DatabaseTimeoutError
from myfy_data.sessions.commit_outcome import is_read_only_refusal, unknown_reason


class PostgreSQLError(Exception):
    """An answer with a SQLSTATE; its text is not ours to quote."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("CANARY-outcome")


class MySQLError(Exception):
    """An answer of MySQL's, to which newer drivers add an SQLSTATE."""

    def __init__(self, code: int, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(code, "CANARY-outcome")


class InternalClientError(Exception):
    """As asyncpg's, which is no error of the DBAPI."""

    __module__ = "asyncpg.exceptions._base"


def answered(orig: BaseException, *, statement: str | None = None, lost: bool = False) -> DBAPIError:
    return DBAPIError(statement, None, orig, connection_invalidated=lost)


def sqlite_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorname = name
    return error


UNKNOWN = {
    "deadline": TimeoutError(),
    "deadline of COMMIT": DatabaseTimeoutError("main", "commit", 1.0),
    "deadline of who knows what": DatabaseTimeoutError("main", "statement", 1.0),
    "cancelled": asyncio.CancelledError(),
    "reset": ConnectionResetError(),
    "broken pipe": BrokenPipeError(),
    "asyncpg's own": InternalClientError(),
    "nobody knows what": answered(Exception("no code at all")),
    "aiomysql's client": answered(Exception(0, "Not connected")),
    "SQLAlchemy saw a disconnect": answered(Exception(), lost=True),
    "PostgreSQL is shutting down": answered(PostgreSQLError("57P01")),
    "PostgreSQL does not know": answered(PostgreSQLError("40003")),
    "PostgreSQL's connection": answered(PostgreSQLError("08006")),
    "MySQL is gone": answered(Exception(2006, "gone")),
    "MariaDB failed half-way": answered(Exception(1180, "Got error 5 during COMMIT")),
    "MariaDB killed us": answered(Exception(1927, "killed")),
    "MariaDB killed us, with a state": answered(MySQLError(1927, "70100")),
    "MySQL is shutting down, with a state": answered(MySQLError(1053, "08S01")),
}

KNOWN = {
    "no connection came": ConnectTimeoutError("main", "postgresql://host/name", "no answer", seconds=1.0),
    "none was free": DatabaseTimeoutError("main", "checkout", 1.0),
    "MySQL's constraint, with a state": answered(MySQLError(1062, "23000")),
    "constraint": IntegrityError(None, None, PostgreSQLError("23505")),
    "serialization": answered(PostgreSQLError("40001")),
    "deadlock": answered(Exception(1213, "deadlock")),
    "locked": answered(sqlite_error("SQLITE_BUSY")),
    "a flush lost its connection before COMMIT": answered(Exception(2013, "lost"), statement="INSERT", lost=True),
    "a bug in an event hook": ValueError("hook"),
}


@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_error_without_an_answer_leaves_the_outcome_open(error: BaseException) -> None:
    assert unknown_reason(error) is not None


@pytest.mark.parametrize("error", KNOWN.values(), ids=KNOWN.keys())
def test_an_answer_settles_the_outcome(error: BaseException) -> None:
    assert unknown_reason(error) is None


def test_the_reason_quotes_no_text_of_the_driver() -> None:
    assert "CANARY" not in str(unknown_reason(answered(PostgreSQLError("57P01"))))


REFUSALS = {
    "PostgreSQL": (answered(PostgreSQLError("25006")), True),
    "MariaDB": (answered(Exception(1792, "read only transaction")), True),
    "SQLite": (answered(sqlite_error("SQLITE_READONLY")), True),
    "PostgreSQL, another error": (answered(PostgreSQLError("23505")), False),
    "SQLite, another error": (answered(sqlite_error("SQLITE_BUSY")), False),
}


@pytest.mark.parametrize(("error", "refused"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_write_is_known_by_its_code(error: DBAPIError, refused: bool) -> None:
    assert is_read_only_refusal(error) is refused
