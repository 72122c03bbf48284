"""A deadline that passed is told in one class for every driver, with its phase (contract C10; ADR 50).

Connecting and the checkout have errors of their own in that family; here is what happens on a connection.
"""

from __future__ import annotations

import sqlite3
from traceback import walk_tb

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from myfy_data.engines.backend import Backend
from myfy_data.engines.errors import StatementInterrupted
from myfy_data.errors import DatabaseTimeoutError, Phase

_ENDS: dict[str, Phase] = {"do_commit": "commit", "do_rollback": "rollback"}
"""SQLAlchemy's public methods of a dialect, and what a time-out inside means. Anything else is a statement."""


def watch_deadlines(engine: Engine, backend: Backend) -> None:
    """Name profile and phase when one of an engine's connections got no answer in time."""
    profile, settings = backend.profile, backend.settings
    seconds = settings.command_timeout

    def explain(context: ExceptionContext) -> DatabaseTimeoutError | None:
        error, wrapped = context.original_exception, context.sqlalchemy_exception
        if isinstance(error, DatabaseTimeoutError):
            return None
        if isinstance(error, TimeoutError):
            return DatabaseTimeoutError(profile, phase_of(error), seconds)
        if isinstance(error, sqlite3.OperationalError) and isinstance(wrapped, DBAPIError) and _is_overdue(context):
            return StatementInterrupted(profile, min(seconds, settings.statement_timeout or seconds), wrapped)
        return None

    event.listen(engine, "handle_error", explain)


def phase_of(error: BaseException) -> Phase:
    """What was waited for, by the frames that the error came through: asking costs nothing until it is needed."""
    names = (frame.f_code.co_name for frame, _ in walk_tb(error.__traceback__))
    return next((_ENDS[name] for name in names if name in _ENDS), "statement")


def _is_overdue(context: ExceptionContext) -> bool:
    """Whether a SQLite statement was interrupted by its deadline: neither by its caller nor by the engine's end."""
    connection = context.connection
    if str(context.original_exception) != "interrupted" or connection is None or connection.invalidated:
        return False
    return getattr(connection.connection.driver_connection, "_stopped", None) is None
