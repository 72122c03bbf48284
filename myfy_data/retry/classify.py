"""The fixed table: which error of a unit of work may be answered by running the unit again (ADR 17).

What is not in it is never repeated; above all no COMMIT whose outcome is unknown (contract C5.3).
"""

from __future__ import annotations

import enum
import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

from myfy_data.engines.connect.connect_errors import chain
from myfy_data.engines.listeners.failover import write_refusal
from myfy_data.engines.mysql import error_codes
from myfy_data.engines.postgresql import sqlstates
from myfy_data.engines.sqlite.error_names import is_busy
from myfy_data.errors import DatabaseConnectionError, TransactionEndedError
from myfy_data.sessions.commit_outcome import server_code, server_state


class Verdict(enum.Enum):
    """Why a unit of work failed, as far as its repetition is concerned."""

    CONFLICT = "another transaction was in the way"
    UNREACHABLE = "no connection could be had"
    LOST = "the connection was lost before COMMIT"
    NOT_WRITABLE = "the server takes no writes"
    SCHEMA_CHANGED = "the schema changed meanwhile"
    FINAL = "running it again would not help, or might do it twice"

    @property
    def is_trouble(self) -> bool:
        """Whether the server itself is in trouble, so that repetitions of many clients make it worse."""
        return self in (Verdict.UNREACHABLE, Verdict.LOST, Verdict.NOT_WRITABLE)

    @property
    def is_for_once(self) -> bool:
        """Whether one repetition shows if the trouble is over."""
        return self in (Verdict.LOST, Verdict.NOT_WRITABLE, Verdict.SCHEMA_CHANGED)


_POSTGRESQL = {
    sqlstates.SERIALIZATION_FAILURE: Verdict.CONFLICT,
    sqlstates.DEADLOCK: Verdict.CONFLICT,
    **dict.fromkeys(sqlstates.STOPPING, Verdict.LOST),
}
_MYSQL = {
    error_codes.DEADLOCK: Verdict.CONFLICT,
    error_codes.LOCK_WAIT_TIMEOUT: Verdict.CONFLICT,
    **dict.fromkeys(error_codes.TIDB_CONFLICTS, Verdict.CONFLICT),
    error_codes.TIDB_SCHEMA_CHANGED: Verdict.SCHEMA_CHANGED,
    error_codes.SHUTDOWN: Verdict.LOST,
    error_codes.KILLED: Verdict.LOST,
    error_codes.GONE_AWAY: Verdict.LOST,
    error_codes.LOST_DURING_QUERY: Verdict.LOST,
}
_REFUSED = f"[Errno {errno.ECONNREFUSED}]"
"""What several refusals have in their text, one for each address of a host."""


def verdict_of(error: BaseException) -> Verdict:
    """What the error that ended a unit of work, and rolled it back, says about running the unit again.

    Only the error itself is looked at, not its causes: a caller that wraps it has judged it. What ended a transaction
    speaks for the statements behind it, unless what came before is stored, or may be.
    """
    if isinstance(error, TransactionEndedError):
        return Verdict.FINAL if error.committed is not False else _of_the_end(error.__cause__)
    if isinstance(error, DatabaseConnectionError):
        return Verdict.UNREACHABLE if _may_pass(error.__cause__) else Verdict.FINAL
    if not isinstance(error, DBAPIError):
        return Verdict.FINAL
    if isinstance(error.orig, sqlite3.Error):
        return Verdict.CONFLICT if is_busy(error.orig) else Verdict.FINAL
    if write_refusal(error.orig) is not None:
        return Verdict.NOT_WRITABLE
    code = server_code(error)
    # Newer versions of PyMySQL know a state as well, a coarser one: the number goes first.
    found = _by_state(server_state(error)) if code is None else _MYSQL.get(code)
    return found or (Verdict.LOST if error.connection_invalidated else Verdict.FINAL)


def _of_the_end(cause: BaseException | None) -> Verdict:
    if cause is None:
        return Verdict.FINAL
    return verdict_of(cause if isinstance(cause, DBAPIError) else DBAPIError(None, None, cause))


def _by_state(state: str) -> Verdict | None:
    return Verdict.LOST if state.startswith(sqlstates.CONNECTION_CLASS) else _POSTGRESQL.get(state)


def _may_pass(cause: BaseException | None) -> bool:
    """Whether a server that could not be reached may be back in a moment; one that refused us will not."""
    return cause is not None and any(_passes(item) for item in chain(cause))


def _passes(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError) or _REFUSED in str(error)
    if getattr(error, "sqlstate", None) in sqlstates.NOT_READY or is_busy(error):
        return True
    is_mysql = type(error).__module__.startswith("pymysql")
    return is_mysql and bool(error.args) and error.args[0] in error_codes.NOT_READY
