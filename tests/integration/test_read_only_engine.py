"""The engine of read-only sessions makes each connection read-only as it is taken, by whomever (contract C5.10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.databases import PERSISTENT, Database

pytestmark = pytest.mark.parametrize("database", PERSISTENT, indirect=True)


@asynccontextmanager
async def reading_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with database.module() as data, data.session(read_only=True) as session:
        engine = session.bind
        assert isinstance(engine, AsyncEngine)
        yield engine


async def test_an_engine_with_further_options_refuses_writes_as_well(database: Database) -> None:
    async with reading_engine(database) as engine:
        further = engine.execution_options(logging_token="further")
        with pytest.raises(DBAPIError):
            async with further.begin() as connection:
                await connection.execute(database.note("a"))

    assert await database.stored() == []


async def test_a_connection_that_is_taken_anew_refuses_writes_as_well(database: Database) -> None:
    async with reading_engine(database) as engine:
        with pytest.raises(DBAPIError):
            async with engine.connect() as connection:
                await connection.invalidate()
                await connection.execute(database.note("a"))

    assert await database.stored() == []


async def test_the_next_user_of_the_connection_may_write(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        async with data.session(read_only=True) as session:
            await session.execute(database.notes.select())
        async with data.session() as session:
            await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


async def test_no_listener_of_ours_stands_on_the_engine(database: Database) -> None:
    """SQLAlchemy joins an engine's listeners anew for each connection, which is a hundred calls."""
    async with reading_engine(database) as engine:
        assert not event.contains(engine.sync_engine, "engine_connect", print)
        assert list(engine.sync_engine.dispatch.engine_connect) == []
