"""SQLAlchemy's recipe for savepoints on SQLite, two listeners that applications carry along, does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data import DatabaseSettings, DataModule
from myfy_data.errors import ReadOnlySessionError, TransactionEndedError
from tests.sqlite_ends import file_connection
from tests.sqlite_files import database_with_counter, waiting_writers

ADD_ONE = text("UPDATE counter SET value = value + 1")
VALUE = text("SELECT value FROM counter")


def carry_recipe(engine: AsyncEngine, begin: str) -> None:
    """The two listeners of SQLAlchemy's documentation."""

    @event.listens_for(engine.sync_engine, "connect")
    def leave_begin_to_us(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def say_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture(params=["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "begin deferred transaction"])
async def data(path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DataModule]:
    """A module whose engine carries the recipe, in one of the ways that are told."""
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", pool_size=2, max_overflow=0)
    async with DataModule(settings=settings, on_engine=lambda _, engine: carry_recipe(engine, request.param)) as data:
        yield data


async def value(session: AsyncSession) -> int:
    return int((await session.execute(VALUE)).scalar_one())


async def add_one(data: DataModule) -> None:
    async with data.session() as session:
        seen = await value(session)
        await session.execute(text("UPDATE counter SET value = :value"), {"value": seen + 1})


async def stored(data: DataModule) -> int:
    async with data.session(read_only=True) as session:
        return await value(session)


async def test_what_a_session_wrote_is_stored(data: DataModule) -> None:
    await add_one(data)

    assert await stored(data) == 1


async def test_what_a_session_wrote_is_rolled_back(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(ADD_ONE)
        await session.rollback()

    assert await stored(data) == 0


async def test_a_savepoint_is_rolled_back_alone(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(ADD_ONE)
        savepoint = await session.begin_nested()
        await session.execute(ADD_ONE)
        await savepoint.rollback()

    assert await stored(data) == 1


async def test_writers_lose_no_update(data: DataModule) -> None:
    await asyncio.gather(*(add_one(data) for _ in range(32)))

    assert await stored(data) == 32


async def test_what_a_session_reads_is_still_right_when_it_writes(data: DataModule) -> None:
    """It has the right to write from its first statement on, also where the listener asks for less."""
    async with data.session() as session:
        driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
        await session.execute(ADD_ONE)

        assert file_connection(driver).may_write
        assert driver.in_transaction


async def test_a_connection_writes_in_its_transaction(data: DataModule) -> None:
    async with data.get_engine().connect() as connection:
        await connection.execute(ADD_ONE)
        await connection.rollback()
        await connection.execute(ADD_ONE)
        await connection.commit()

    assert await stored(data) == 1


async def test_writers_that_wait_hold_no_connection(data: DataModule, path: Path) -> None:
    async with data.session() as first:
        await first.execute(ADD_ONE)
        waiting = [asyncio.create_task(add_one(data)) for _ in range(4)]
        await waiting_writers(path, 4)

        assert data.pool_status().checked_out == 1
    await asyncio.gather(*waiting)


async def test_a_session_that_has_only_read_steps_aside(data: DataModule) -> None:
    async with data.session() as outer:
        await value(outer)
        await add_one(data)

        assert await value(outer) == 0
        with pytest.raises(TransactionEndedError):
            await outer.execute(ADD_ONE)
        await outer.rollback()


async def test_in_autocommit_nothing_else_begins(data: DataModule) -> None:
    async with data.get_engine().connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(ADD_ONE)
        await connection.commit()

    assert await stored(data) == 1


async def test_a_read_only_session_reads_and_is_refused_its_writes(data: DataModule) -> None:
    async with data.session(read_only=True) as session:
        assert await value(session) == 0
        with pytest.raises(ReadOnlySessionError):
            await session.execute(ADD_ONE)

    assert await stored(data) == 0
