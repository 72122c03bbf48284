"""A deadline that passed is told in one class for every driver, with its phase (contract C10; ADR 19).

Connecting and the checkout have errors of their own in that family; here is what happens on a connection.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from traceback import walk_tb
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, MissingGreenlet, OperationalError

from myfy_data.engines.connect.backend import AnyBackend, adapted
from myfy_data.engines.connect.transport import CLOSE_TIMEOUT
from myfy_data.engines.pool.errors import StatementInterrupted
from myfy_data.engines.pool.loop_affinity import cancel_again
from myfy_data.errors import DatabaseTimeoutError, Phase

_ENDS: dict[str, Phase] = {"do_commit": "commit", "do_rollback": "rollback"}
"""SQLAlchemy's public methods of a dialect, and what a time-out inside means. Anything else is a statement."""


def attach_timeouts(engine: Engine, backend: AnyBackend) -> None:
    """Name profile and phase when one of an engine's connections got no answer in time."""
    profile = backend.profile

    def explain(context: ExceptionContext) -> Exception | None:
        settings = backend.settings
        seconds = settings.command_timeout
        error, wrapped = context.original_exception, context.sqlalchemy_exception
        if isinstance(error, DatabaseTimeoutError):
            return None
        if isinstance(error, TimeoutError) and error.errno is not None:
            return _lost(context, error)
        if isinstance(error, TimeoutError):
            return DatabaseTimeoutError(profile, phase_of(error), seconds)
        if isinstance(error, sqlite3.OperationalError) and isinstance(wrapped, DBAPIError) and _is_overdue(context):
            return StatementInterrupted(profile, min(seconds, settings.statement_timeout or seconds), wrapped)
        return None

    event.listen(engine, "handle_error", explain)
    if backend.needs_liveness:
        event.listen(engine, "close", lambda connection, _record: _part(connection, backend))


def phase_of(error: BaseException) -> Phase:
    """What was waited for, by the frames that the error came through: asking costs nothing until it is needed."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code.co_name in _ENDS:
            return _ENDS[frame.f_code.co_name]
    return "statement"


def _lost(context: ExceptionContext, error: TimeoutError) -> OperationalError:
    """The error of a socket that the kernel has given up, as if reset by the peer: asyncpg passes the kernel's on."""
    context.invalidate_pool_on_disconnect = True
    return OperationalError(context.statement, None, error, hide_parameters=True, connection_invalidated=True)


def _is_overdue(context: ExceptionContext) -> bool:
    """Whether a SQLite statement was interrupted by its deadline: neither by its caller nor by the engine's end."""
    connection = context.connection
    if str(context.original_exception) != "interrupted" or connection is None or connection.invalidated:
        return False
    driver: Any = connection.connection.driver_connection
    return driver.is_abandoned or not driver.is_stopping


def _part(dbapi_connection: DBAPIConnection, backend: AnyBackend) -> None:
    """Close a connection before SQLAlchemy does, whose own way waits as long as a statement may take."""
    with suppress(MissingGreenlet):  # outside of any, SQLAlchemy cannot wait either
        adapted(dbapi_connection).run_async(lambda driver: close_politely(driver, backend))


async def close_politely(driver: object, backend: AnyBackend) -> None:
    """Close a single connection; one that does not disconnect in time is aborted."""
    try:
        async with asyncio.timeout(min(CLOSE_TIMEOUT, backend.settings.close_timeout)):
            await backend.close(driver)
    except asyncio.CancelledError:
        backend.abort(driver)
        cancel_again()  # raised here, it would lose the pool's place
    except Exception:  # noqa: BLE001 - whatever it is, nothing is left to be said
        backend.abort(driver)
