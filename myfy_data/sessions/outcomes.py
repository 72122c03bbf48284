"""What an error says about the database: is the COMMIT's outcome known, was a write refused (contract C5.3, C5.10)."""

from __future__ import annotations

import asyncio
import sqlite3

from sqlalchemy.exc import DBAPIError

from myfy_data.errors import DatabaseTimeoutError

_UNKNOWN_STATES = frozenset({"08007", "40003", "57P01", "57P02", "57P03"})
"""SQLSTATEs of PostgreSQL whose statement may have taken effect; class 08, the connection's, is added to them."""

_UNKNOWN_CODES = frozenset({1053, 1180, 1927})
"""The same for MySQL and MariaDB: shutdown, a COMMIT that failed half-way, connection killed."""

_FIRST_SERVER_CODE = 1000
_CLIENT_CODES = range(2000, 3000)
"""Numbers that MySQL's client gives to its own errors: the server said nothing."""

_DRIVERS = frozenset({"asyncpg", "aiomysql", "pymysql"})

_READ_ONLY_STATE = "25006"
_READ_ONLY_CODES = frozenset({1792})


def unknown_reason(error: BaseException) -> str | None:
    """Why nobody can tell whether the COMMIT that raised `error` took place; None when it surely did not.

    A server that answered with an error has refused: known. Everything else, such as a lost connection or a
    deadline, leaves it open.
    """
    name = type(_driver_error(error)).__name__
    if isinstance(error, asyncio.CancelledError):
        return "cancelled, and no answer came in time"
    if isinstance(error, TimeoutError):
        without_connection = isinstance(error, DatabaseTimeoutError) and error.phase in ("connect", "checkout")
        return None if without_connection else "no answer within the deadline"
    if isinstance(error, DBAPIError):
        # An error that carries a statement is a flush's: COMMIT was not sent yet.
        lost = error.statement is None and (error.connection_invalidated or not _is_answer(error))
    else:
        lost = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _DRIVERS
    return f"the connection was lost: {name}" if lost else None


def _is_answer(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return True
    code = server_code(error)
    if code is not None:  # MySQL's; newer drivers give it an SQLSTATE as well, which tells less
        return code >= _FIRST_SERVER_CODE and code not in _CLIENT_CODES and code not in _UNKNOWN_CODES
    state = server_state(error)
    return bool(state) and state not in _UNKNOWN_STATES and not state.startswith("08")


def is_read_only_refusal(error: DBAPIError) -> bool:
    """Whether the server refused a statement because the transaction is read-only."""
    if server_state(error) == _READ_ONLY_STATE or server_code(error) in _READ_ONLY_CODES:
        return True
    return getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_READONLY")


def server_state(error: DBAPIError) -> str:
    """The SQLSTATE that PostgreSQL answered with; empty when there is none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def server_code(error: DBAPIError) -> int | None:
    """The number that MySQL or MariaDB answered with."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
