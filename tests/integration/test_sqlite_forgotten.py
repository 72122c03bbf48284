"""A session that nothing ends, and that is collected, gives its turn to write back."""

from __future__ import annotations

import gc
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SAWarning

from myfy_data import DatabaseSettings, DataModule
from tests.sqlite_files import database_with_counter

ADD_ONE = text("UPDATE counter SET value = value + 1")
VALUE = text("SELECT value FROM counter")


async def by_session(data: DataModule) -> None:
    session = data.get_session_factory().create_session()
    await session.execute(ADD_ONE)


async def by_reading_session(data: DataModule) -> None:
    session = data.get_session_factory().create_session()
    await session.execute(VALUE)


async def by_connection(data: DataModule) -> None:
    connection = await data.get_engine().connect()
    await connection.execute(ADD_ONE)


def in_a_thread() -> None:
    """The garbage collector works in any thread."""
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()


@pytest.mark.parametrize("collect", [gc.collect, in_a_thread])
@pytest.mark.parametrize("forget", [by_session, by_reading_session, by_connection])
async def test_a_forgotten_session_that_is_collected_gives_its_turn_back(
    tmp_path: Path, forget: Callable[[DataModule], Awaitable[None]], collect: Callable[[], object]
) -> None:
    url = f"sqlite:///{database_with_counter(tmp_path)}"
    async with DataModule(settings=DatabaseSettings(database_url=url)) as data:
        await forget(data)
        with pytest.warns(SAWarning, match="garbage collector"):
            collect()
        async with data.session() as session:
            await session.execute(ADD_ONE)

            assert (await session.execute(VALUE)).scalar_one() == 1
