"""A stream of MySQL's never loses rows in silence: what comes between works, and the stream says what it lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.errors import ConcurrentSessionError, SessionError
from tests.databases import Database

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

ROWS = 300
LOST = "another statement was sent while the rows of a stream were being read"

Open = Callable[[AsyncSession, Database], Awaitable[Any]]


@pytest.fixture
async def rows(database: Database) -> None:
    """Enough of them for several packets."""
    values = ", ".join(f"('{number:03}')" for number in range(ROWS))
    await database.run(f"INSERT INTO {database.notes.name} (text) VALUES {values}")


async def session_stream(session: AsyncSession, database: Database) -> Any:
    return await session.stream(select(database.notes.c.text).execution_options(yield_per=10))


async def session_stream_scalars(session: AsyncSession, database: Database) -> Any:
    return await session.stream_scalars(select(database.notes.c.text).execution_options(yield_per=10))


async def connection_stream(session: AsyncSession, database: Database) -> Any:
    connection = await session.connection()
    return await connection.stream(select(database.notes.c.text).execution_options(yield_per=10))


async def drivers_cursor(session: AsyncSession, database: Database) -> Any:
    from aiomysql import SSCursor  # noqa: PLC0415 - the one function that needs it

    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    cursor = await driver.cursor(SSCursor)
    await cursor.execute(f"SELECT text FROM {database.notes.name}")
    return cursor


STREAMS = [session_stream, session_stream_scalars, connection_stream, drivers_cursor]


async def select_one(session: AsyncSession, database: Database) -> None:
    await session.execute(text("SELECT 1"))


async def write(session: AsyncSession, database: Database) -> None:
    await session.execute(insert(database.notes).values(text="between"))


async def flush(session: AsyncSession, database: Database) -> None:
    note = database.mapped()()
    note.text = "between"
    session.add(note)
    await session.flush()


async def commit(session: AsyncSession, database: Database) -> None:
    await session.commit()


async def savepoint(session: AsyncSession, database: Database) -> None:
    async with session.begin_nested():
        await select_one(session, database)


async def raw(session: AsyncSession, database: Database) -> None:
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    async with driver.cursor() as cursor:
        await cursor.execute("SELECT 1")


BETWEEN = [select_one, write, flush, commit, savepoint, raw]


@on_mysql
@pytest.mark.parametrize("open_stream", STREAMS)
async def test_a_stream_that_is_left_alone_has_every_row(
    database: Database, rows: None, narrow: DataModule, open_stream: Open
) -> None:
    async with narrow.session() as session:
        stream = await open_stream(session, database)
        assert len([row async for row in stream]) == ROWS
        assert await session.scalar(select(func.count(database.notes.c.id))) == ROWS


@on_mysql
@pytest.mark.parametrize("open_stream", STREAMS)
@pytest.mark.parametrize("between", BETWEEN)
async def test_what_comes_between_is_done_and_the_stream_tells_that_it_lost_rows(
    database: Database, rows: None, narrow: DataModule, open_stream: Open, between: Open
) -> None:
    seen = 0
    with pytest.raises(SessionError, match=LOST):
        async with narrow.session() as session:
            stream = await open_stream(session, database)
            async for _ in stream:
                seen += 1
                if seen == 20:
                    await between(session, database)

    assert 20 <= seen < ROWS
    async with narrow.session() as session:
        assert await session.scalar(select(func.count(database.notes.c.id))) == ROWS


@on_mysql
@pytest.mark.parametrize("open_stream", STREAMS)
@pytest.mark.parametrize("between", BETWEEN)
async def test_a_stream_that_was_left_early_is_in_nobodys_way(
    database: Database, rows: None, narrow: DataModule, open_stream: Open, between: Open
) -> None:
    async with narrow.session() as session:
        stream = await open_stream(session, database)
        async for _ in stream:
            break
        await between(session, database)
        assert len(await database.texts(session)) in (ROWS, ROWS + 1)


@on_mysql
@pytest.mark.parametrize("open_stream", STREAMS)
async def test_a_block_that_leaves_a_stream_early_commits(
    database: Database, rows: None, narrow: DataModule, open_stream: Open
) -> None:
    async with narrow.session() as session:
        await write(session, database)
        stream = await open_stream(session, database)
        async for _ in stream:
            break

    assert "between" in await database.stored()


@on_mysql
@pytest.mark.parametrize("open_stream", STREAMS)
async def test_a_roll_back_inside_a_stream_rolls_back(
    database: Database, rows: None, narrow: DataModule, open_stream: Open
) -> None:
    async with narrow.session() as session:
        await write(session, database)
        stream = await open_stream(session, database)
        async for _ in stream:
            await session.rollback()
            break
        await session.execute(insert(database.notes).values(text="behind"))

    assert "between" not in await database.stored()
    assert "behind" in await database.stored()


@on_mysql
async def test_an_exception_inside_a_stream_rolls_back(database: Database, rows: None, narrow: DataModule) -> None:
    with pytest.raises(ZeroDivisionError):
        async with narrow.session() as session:
            await write(session, database)
            async for _ in await session_stream(session, database):
                _ = 1 / 0

    assert len(await database.stored()) == ROWS


@on_mysql
async def test_rows_that_were_all_read_are_not_lost(database: Database, rows: None, narrow: DataModule) -> None:
    """The end of a stream may still be on its way when the next statement comes."""
    async with narrow.session() as session:
        cursor: Any = await drivers_cursor(session, database)
        assert len(await cursor.fetchmany(ROWS)) == ROWS
        await select_one(session, database)
        assert await cursor.fetchone() is None


@on_mysql
async def test_another_task_may_not_send_while_one_waits_for_a_row(database: Database, data: DataModule) -> None:
    lock = f"'{database.notes.name}'"
    statement = f"SELECT REPEAT('x', 100000) UNION ALL SELECT GET_LOCK({lock}, 60)"
    async with data.session() as holder, data.session() as session:
        await holder.execute(text(f"SELECT GET_LOCK({lock}, 0)"))
        connection = await session.connection()
        driver: Any = (await connection.get_raw_connection()).driver_connection
        stream = await connection.stream(text(statement).execution_options(yield_per=1))
        await stream.fetchone()
        reading = asyncio.ensure_future(stream.fetchone())
        await asyncio.sleep(0)  # the task begins, and waits for what comes when the lock is free
        for send in (lambda: driver.query("SELECT 1"), driver.commit, driver.rollback):
            with pytest.raises(ConcurrentSessionError, match="another task waits for an answer"):
                await send()
        await holder.execute(text(f"SELECT RELEASE_LOCK({lock})"))
        assert await reading == ("1",)
        await session.execute(text(f"SELECT RELEASE_LOCK({lock})"))


@on_mysql
async def test_a_stream_that_fails_in_the_middle_leaves_a_connection_that_works(
    database: Database, rows: None, narrow: DataModule
) -> None:
    fails = f"SELECT IF(id > 100, (SELECT 1 UNION SELECT 2), id) FROM {database.notes.name}"
    async with narrow.session() as session:
        stream = await session.stream(text(fails).execution_options(yield_per=10))
        with suppress(Exception):
            async for _ in stream:
                pass
        await write(session, database)

    assert "between" in await database.stored()
