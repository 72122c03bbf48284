"""The table of what may be repeated, line by line (contract C5.3; ADR 17)."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import ssl

import pymysql
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from myfy_data.engines.pool.errors import PoolExhausted
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.errors import (
    CommitOutcomeUnknown,
    DatabaseConnectionError,
    PartialCommitError,
    ReadOnlySessionError,
    TransactionEndedError,
)
from myfy_data.retry.classify import Verdict, verdict_of


class Answer(Exception):
    """An error as asyncpg raises it."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("no")


def postgresql(state: str) -> DBAPIError:
    return DBAPIError("UPDATE", {}, Answer(state))


def mysql(code: int, words: str = "no", state: str | None = None) -> OperationalError:
    error = pymysql.err.OperationalError(code, words)
    error.sqlstate = state  # newer versions of PyMySQL tell it
    return OperationalError("UPDATE", {}, error)


def sqlite(name: str) -> OperationalError:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorname = name
    return OperationalError("BEGIN IMMEDIATE", {}, error)


def unreachable(cause: BaseException | None) -> DatabaseConnectionError:
    error = DatabaseConnectionError("main", "postgresql://db/main", "no")
    error.__cause__ = cause
    return error


def wrapped(cause: BaseException) -> BaseException:
    """A driver's error around the socket's."""
    error = pymysql.err.OperationalError(2003, "no")
    error.__cause__ = cause
    return error


def ended(cause: BaseException | None, *, committed: bool | None = False) -> TransactionEndedError:
    error = TransactionEndedError("main", "no", committed=committed)
    error.__cause__ = cause
    return error


LOST = DBAPIError("UPDATE", {}, Exception("connection is closed"), connection_invalidated=True)
WRAPPED = RuntimeError("mine")
WRAPPED.__cause__ = postgresql("40001")
STATUS = PoolStatus("main", 1, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (postgresql("40001"), Verdict.CONFLICT),
        (postgresql("40P01"), Verdict.CONFLICT),
        (mysql(1213), Verdict.CONFLICT),
        (mysql(1205), Verdict.CONFLICT),
        (sqlite("SQLITE_BUSY"), Verdict.CONFLICT),
        (sqlite("SQLITE_BUSY_SNAPSHOT"), Verdict.CONFLICT),
        (postgresql("25006"), Verdict.NOT_WRITABLE),
        (mysql(1205, state="HY000"), Verdict.CONFLICT),
        (mysql(1290, "the --read-only option"), Verdict.NOT_WRITABLE),
        (mysql(1836, "read-only mode"), Verdict.NOT_WRITABLE),
        (mysql(1047, "WSREP has not yet prepared node"), Verdict.NOT_WRITABLE),
        (LOST, Verdict.LOST),
        (postgresql("57P01"), Verdict.LOST),
        (postgresql("08006"), Verdict.LOST),
        (mysql(2013), Verdict.LOST),
        (mysql(2006), Verdict.LOST),
        (unreachable(ConnectionRefusedError(errno.ECONNREFUSED, "no")), Verdict.UNREACHABLE),
        (unreachable(OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b")), Verdict.UNREACHABLE),
        (unreachable(wrapped(ConnectionRefusedError(errno.ECONNREFUSED, "no"))), Verdict.UNREACHABLE),
        (unreachable(TimeoutError()), Verdict.UNREACHABLE),
        (unreachable(Answer("57P03")), Verdict.UNREACHABLE),
        (unreachable(Answer("53300")), Verdict.UNREACHABLE),
        (unreachable(pymysql.err.OperationalError(1040, "no")), Verdict.UNREACHABLE),
        (ended(pymysql.err.OperationalError(1213, "no")), Verdict.CONFLICT),
        (ended(mysql(1205)), Verdict.CONFLICT),
        (ended(sqlite("SQLITE_BUSY_SNAPSHOT").orig), Verdict.CONFLICT),
        (ended(Answer("40P01")), Verdict.CONFLICT),
    ],
)
def test_an_error_that_may_be_answered_by_another_run(error: BaseException, verdict: Verdict) -> None:
    assert verdict_of(error) is verdict


@pytest.mark.parametrize(
    "error",
    [
        CommitOutcomeUnknown("main", "lost"),
        PartialCommitError(["a"], "b"),
        postgresql("40003"),
        postgresql("57014"),
        postgresql("23505"),
        mysql(1062),
        mysql(1290, "the --secure-file-priv option"),
        mysql(1047, "Unknown command"),
        sqlite("SQLITE_FULL"),
        IntegrityError("INSERT", {}, Answer("23503")),
        ReadOnlySessionError("main", "no"),
        PoolExhausted(STATUS, 0, 30.0),
        unreachable(None),
        unreachable(Answer("28P01")),
        unreachable(Answer("3D000")),
        unreachable(pymysql.err.OperationalError(1045, "no")),
        unreachable(ssl.SSLCertVerificationError(1, "no")),
        ended(None),
        ended(pymysql.err.OperationalError(1213, "no"), committed=True),
        ended(pymysql.err.OperationalError(1213, "no"), committed=None),
        ended(sqlite("SQLITE_FULL").orig),
        asyncio.CancelledError(),
        TimeoutError(),
        ConnectionResetError(),
        ValueError(),
        WRAPPED,
    ],
    ids=lambda error: f"{type(error).__name__} {getattr(getattr(error, 'orig', None), 'args', '')}",
)
def test_an_error_that_is_final(error: BaseException) -> None:
    assert verdict_of(error) is Verdict.FINAL
