"""What a MySQL session is told when it is opened, and how it forgets everything since (ADR 16)."""

from __future__ import annotations

from collections.abc import Iterator

from myfy_data.engines.mysql.driver_connection import DriverConnection
from myfy_data.settings.database_settings import DatabaseSettings

SESSION_TRACK = 0x800000
"""Client flag and the server's own: answers may tell how the session's state changed."""

_RESET_CONNECTION = 0x1F
"""The command `COM_RESET_CONNECTION`."""


async def forget_state(driver: DriverConnection, settings: DatabaseSettings) -> None:
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


def _opening_statements(driver: DriverConnection, settings: DatabaseSettings) -> Iterator[str]:
    yield f"SET NAMES {driver.charset}, autocommit = {int(bool(driver.autocommit_mode))}"
    if driver.sql_mode is not None:
        yield f"SET sql_mode = {driver.sql_mode}"
    if driver.init_command is not None:
        yield driver.init_command
    yield from session_statements(settings, driver)


def session_statements(settings: DatabaseSettings, driver: DriverConnection) -> Iterator[str]:
    """What a new connection is told; MariaDB and MySQL limit a statement's time in words and units of their own."""
    is_mariadb = "mariadb" in driver.get_server_info().lower()
    variables = []
    if driver.server_capabilities & SESSION_TRACK:
        prefix = "tx" if is_mariadb else "transaction"
        tracked = f"autocommit,{prefix}_read_only,{prefix}_isolation"
        variables = ["session_track_transaction_info = 'STATE'", f"session_track_system_variables = '{tracked}'"]
    if settings.statement_timeout is not None:
        variables.append(_limit(settings.statement_timeout, is_mariadb=is_mariadb))
    if variables:
        yield f"SET SESSION {', SESSION '.join(variables)}"
    if settings.read_only:
        yield "SET SESSION TRANSACTION READ ONLY"


def limit_statement(settings: DatabaseSettings, driver: DriverConnection) -> str:
    """What an open connection is told of a statement's time; without a limit the server's own holds."""
    is_mariadb = "mariadb" in driver.get_server_info().lower()
    return f"SET SESSION {_limit(settings.statement_timeout, is_mariadb=is_mariadb)}"


def _limit(seconds: float | None, *, is_mariadb: bool) -> str:
    if is_mariadb:
        return f"max_statement_time = {'DEFAULT' if seconds is None else f'{seconds:.6f}'}"
    return f"max_execution_time = {'DEFAULT' if seconds is None else max(1, round(seconds * 1000))}"
