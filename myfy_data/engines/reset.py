"""`pool_reset_on_return = "discard"`: a connection comes back to the pool as if it had just been opened (ADR 16).

SQLAlchemy's own ways of resetting end the transaction and leave the session's state alone: settings, temporary
tables, prepared statements, variables and advisory locks of one request meet the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import PoolResetState

from myfy_data.engines.backend import adapted
from myfy_data.engines.message_gate import DISCARD
from myfy_data.engines.mysql import session_statements
from myfy_data.engines.mysql_dialect import restore_level
from myfy_data.settings.models import DatabaseSettings

_RESET_CONNECTION = 0x1F
"""MySQL's command `COM_RESET_CONNECTION`."""

_CACHES = ("statement_cache_size", "prepared_statement_cache_size", "prepared_statement_name_func")


def discards(settings: DatabaseSettings) -> bool:
    """Whether connections of the profile forget everything when they come back."""
    return settings.pool_reset_on_return == "discard"


def reset_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """Where `discard` cannot be had: key, message, fix."""
    if not discards(settings):
        return
    key, fix = "pool_reset_on_return", "delete pool_reset_on_return"
    if settings.url.backend == "sqlite":
        yield key, "SQLite has no command that makes a connection forget its state", fix
    for table, given in (("query", settings.url.query), ("connect_args", settings.connect_args)):
        for name in _CACHES:
            if name in given:
                yield f"{table}.{name}", "DISCARD ALL drops every prepared statement, so none is kept", f"delete {name}"


def unprepared_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    """What asyncpg is told so that it never relies on a statement that `DISCARD ALL` has dropped. Pure."""
    if settings.url.backend != "postgresql" or not discards(settings):
        return {}
    # An unnamed statement is replaced by the next one: nothing is left to be closed, which would be a round trip.
    return {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": str}


def watch_reset(engine: Engine, settings: DatabaseSettings) -> None:
    """Make an engine's connections forget their state when they come back, if the profile says so."""
    if not discards(settings):
        return
    discard = _discard_mysql if settings.url.backend == "mysql" else _discard_postgresql

    def reset(dbapi_connection: Any, _record: Any, state: PoolResetState) -> None:
        if state.asyncio_safe and not state.terminate_only:
            discard(engine, dbapi_connection, settings)

    event.listen(engine, "reset", reset)


def _discard_postgresql(_engine: Engine, dbapi_connection: Any, _settings: DatabaseSettings) -> None:
    dbapi_connection.rollback()  # sends nothing when nothing is open; DISCARD ALL is refused inside a transaction
    adapted(dbapi_connection).run_async(lambda driver: driver.execute(DISCARD))


def _discard_mysql(engine: Engine, dbapi_connection: Any, settings: DatabaseSettings) -> None:
    adapted(dbapi_connection).run_async(lambda driver: _forget_state(driver, settings))
    if settings.isolation_level is not None:
        engine.dialect.set_isolation_level(dbapi_connection, settings.isolation_level)
    restore_level(engine.dialect, dbapi_connection, settings)


async def _forget_state(driver: Any, settings: DatabaseSettings) -> None:
    """Reset the session of an aiomysql connection, then say again what it was told when it was opened.

    The command ends the transaction, drops temporary tables, prepared statements, user variables and named locks, and
    takes every variable back to the server's own value; only the current database stays as it is.
    """
    with driver.transaction.unmanaged():
        await driver._execute_command(_RESET_CONNECTION, b"")  # noqa: SLF001 - aiomysql has no public way to send it
        await driver._read_ok_packet()  # noqa: SLF001 - as above
        driver.transaction.isolation = ""  # the server's own again
        if driver.db:
            await driver.select_db(driver.db)
        for statement in _opening_statements(driver, settings):
            await driver.query(statement)
        driver.assume(read_only=settings.read_only)


def _opening_statements(driver: Any, settings: DatabaseSettings) -> Iterator[str]:
    yield f"SET NAMES {driver.charset}, autocommit = {int(bool(driver.autocommit_mode))}"
    if driver.sql_mode is not None:
        yield f"SET sql_mode = {driver.sql_mode}"
    if driver.init_command is not None:
        yield driver.init_command
    yield from session_statements(settings, driver)
