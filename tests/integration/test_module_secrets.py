"""The canary password goes through the errors of module and sessions, and is looked for (contract C3.11)."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import DatabaseSettings, DataModule, DataModuleError, DataSettings
from tests.databases import CONNECTION_ID, KILL, Database
from tests.own_servers import closed_port

CANARY = "CANARY-p4ssword"


async def commit_of_unknown_outcome(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))
        [[connection]] = (await session.execute(text(CONNECTION_ID["postgresql"]))).all()
        await database.run(KILL["postgresql"].format(connection))


async def write_in_a_read_only_session(data: DataModule, database: Database) -> None:
    async with data.session(read_only=True) as session:
        await session.execute(database.note("a"))


async def two_tasks(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await asyncio.gather(database.texts(session), database.texts(session))


async def use_after_the_end(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        pass
    await database.texts(session)


async def use_after_stop(data: DataModule, database: Database) -> None:
    await data.stop()
    async with data.session() as session:
        await database.texts(session)


async def failing_statement(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(text("SELECT no_such_column"))


PATHS = [
    commit_of_unknown_outcome,
    write_in_a_read_only_session,
    two_tasks,
    use_after_the_end,
    use_after_stop,
    failing_statement,
]


def module_with_canary(url: str) -> DataModule:
    """A module whose password is the canary; a server that trusts this machine takes any."""
    parts = urlsplit(url)
    account = f"{parts.username}:{CANARY}@{parts.hostname}:{parts.port}"
    settings = DatabaseSettings(database_url=parts._replace(netloc=account).geturl(), echo_pool=True)
    return DataModule(settings=DataSettings(profiles={"main": settings}))


def printed(error: BaseException) -> str:
    """The traceback as the most talkative of reporters prints it: with the locals of every frame that is ours."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True, compact=True)
    return "".join(report.format())


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
@pytest.mark.parametrize("path", PATHS)
async def test_no_error_of_a_session_shows_the_password(
    database: Database, path: Callable[[DataModule, Database], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with module_with_canary(database.url) as data:
        with pytest.raises((DataModuleError, DBAPIError)) as caught:
            await path(data, database)

    assert CANARY not in printed(caught.value)
    assert CANARY not in caplog.text


async def test_no_error_of_a_start_shows_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with closed_port() as port:
        data = module_with_canary(f"postgresql+asyncpg://app@127.0.0.1:{port}/main")

        with pytest.raises(DataModuleError) as caught:
            await data.start()

    assert CANARY not in printed(caught.value)
    assert CANARY not in caplog.text + repr(data)
