"""What SQLAlchemy asks on the first connection of an engine belongs to connecting (contract C10; ADR 19).

Version and settings of the server are asked for after the log-in. Left alone, a server that falls silent just then
costs `command_timeout` for the statement and two seconds for the disconnect; SQLAlchemy 2.0 even forgets to close it.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, Engine

from myfy_data.engines.connect.backend import AnyBackend


def attach_initialize_timeout(engine: Engine, backend: AnyBackend) -> None:
    """Give an engine's first questions `connect_timeout`, and cut a connection off that does not answer them."""
    dialect = engine.dialect
    ask = dialect.initialize

    def initialize(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        timer = asyncio.get_running_loop().call_later(backend.settings.connect_timeout, backend.abort, driver)
        try:
            ask(connection)
            dialect.do_rollback(connection.connection)  # what SQLAlchemy does next, when it sends nothing any more
        except BaseException as error:
            backend.abort(driver)
            if not connection.closed:
                connection.invalidate(error)  # else SQLAlchemy 2.0 would roll back, and tell of that instead
            if isinstance(error, TimeoutError) or (isinstance(error, Exception) and has_rung(timer)):
                raise backend.connect_timeout_error(TimeoutError()) from error
            raise
        finally:
            timer.cancel()

    dialect.initialize = initialize  # type: ignore[method-assign]  # no event wraps these questions


def has_rung(timer: asyncio.TimerHandle) -> bool:
    """Whether a timer that was not cancelled has called back."""
    return timer.when() <= asyncio.get_running_loop().time()
