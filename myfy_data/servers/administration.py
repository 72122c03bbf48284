"""Statements for a server itself, outside of any transaction and of any running loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings

T = TypeVar("T")
_PLAIN = {
    "pool_size": 1,
    "max_overflow": 0,
    "statement_timeout": None,
    "isolation_level": None,
    "read_only": False,
    "echo": False,
    "command_timeout": 300.0,  # to copy a database may take longer than the profile gives its statements
}
"""What a profile says of its sessions, and not of its server."""

PROFILE = "server"
"""What a server is called in errors where no profile is meant."""


def run_blocking(coroutine: Callable[[], Coroutine[object, None, T]]) -> T:
    """Run a coroutine to its end, in a loop and a thread of its own: the caller's stay as they are."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="myfy-data-servers") as thread:
        return thread.submit(lambda: asyncio.run(coroutine())).result()


@asynccontextmanager
async def server_connection(settings: DatabaseSettings, profile: str = PROFILE) -> AsyncIterator[AsyncConnection]:
    """A connection in AUTOCOMMIT, which is closed at the end.

    Raises:
        DatabaseConnectionError: the server cannot be reached.
    """
    registry = EngineRegistry({profile: settings.model_copy(update=_PLAIN)})
    try:
        engine = registry.get(profile).execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            yield connection
    finally:
        await registry.close()


async def on_connection(
    settings: DatabaseSettings, work: Callable[[AsyncConnection], Coroutine[object, None, T]], profile: str = PROFILE
) -> T:
    """Do something on a connection in AUTOCOMMIT, which is closed at the end.

    Raises:
        DatabaseConnectionError: the server cannot be reached.
    """
    async with server_connection(settings, profile) as connection:
        return await work(connection)


def ask_blocking(settings: DatabaseSettings, question: str) -> Sequence[Row[*tuple[object, ...]]]:
    """The rows that a server answers to one statement.

    Raises:
        DatabaseConnectionError: it cannot be reached, or does not answer.
    """

    async def ask(connection: AsyncConnection) -> Sequence[Row[*tuple[object, ...]]]:
        result = await connection.exec_driver_sql(question)
        return result.all() if result.returns_rows else ()

    try:
        return run_blocking(lambda: on_connection(settings, ask))
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseConnectionError(
            PROFILE, str(settings.url), f"it does not answer: {type(error).__name__}"
        ) from error
