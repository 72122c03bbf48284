"""A MySQL connection that was used a moment ago and died is replaced unseen, whatever is asked of it first (C10)."""

from __future__ import annotations

import select as sockets
from collections.abc import Awaitable, Callable
from typing import Any

import pymysql
import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule, retrying
from tests.databases import CONNECTION_ID, Database
from tests.faults import FaultProxy
from tests.integration.test_optimistic_reconnect import let_connections_die

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

Door = Callable[[AsyncSession, Database], Awaitable[Any]]


async def driver_of(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def by_write(session: AsyncSession, database: Database) -> None:
    await session.execute(database.note("a"))


async def by_text(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES ('a')"))


async def by_driver(session: AsyncSession, database: Database) -> None:
    async with (await driver_of(session)).cursor() as cursor:
        await cursor.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")


async def by_dbapi_cursor(session: AsyncSession, database: Database) -> None:
    def run(connection: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
        cursor.close()

    await (await session.connection()).run_sync(run)


async def by_stream(session: AsyncSession, database: Database) -> None:
    _ = [row async for row in await session.stream(text("SELECT 1"))]
    await by_write(session, database)


DOORS = [by_write, by_text, by_driver, by_dbapi_cursor, by_stream]


def kill(database: Database, number: int, socket: Any) -> None:
    """End a connection, and let the loop hear nothing of it before the news has come in."""
    url = make_url(database.url)
    options: Any = {"host": url.host, "port": url.port, "user": url.username, "password": url.password or ""}
    with pymysql.connect(**options) as other, other.cursor() as cursor:
        cursor.execute(f"KILL CONNECTION {number}")
    assert sockets.select([socket], [], [], 60)[0]


async def die(database: Database, data: DataModule) -> None:
    async with data.session() as session:
        number = await session.scalar(text(CONNECTION_ID["mysql"]))
        socket = (await driver_of(session))._writer.transport.get_extra_info("socket")
    kill(database, number, socket)


@on_mysql
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
async def test_a_first_statement_that_meets_a_death_unheard_of_is_told_as_what_it_is(
    database: Database, proxy: FaultProxy, level: str | None
) -> None:
    """It was sent: in a transaction nothing of it is stored, so the unit may run again; unknown in AUTOCOMMIT."""
    attempts = 0
    async with database.module(pool_size=1, isolation_level=level) as data:
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
        let_connections_die(proxy)
        told: list[str] = []
        try:
            async for attempt in retrying(data):
                async with attempt as session:
                    attempts = attempt.number
                    await by_write(session, database)
        except DBAPIError as error:
            told += error.__notes__

    if level is None:
        assert (attempts, told, await database.stored()) == (2, [], ["a"])
    else:
        assert attempts == 1
        assert "AUTOCOMMIT" in told[0]


@on_mysql
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
@pytest.mark.parametrize("has_listener", [False, True])
async def test_nobody_sees_it(database: Database, door: Door, level: str | None, *, has_listener: bool) -> None:
    async with database.module(pool_size=1, isolation_level=level, pool_pre_ping_idle=60.0) as data:
        if has_listener:

            def look(dbapi_connection: Any, *_: Any) -> None:
                cursor = dbapi_connection.cursor()
                cursor.execute("SELECT 1")
                cursor.close()

            event.listen(data.get_engine().sync_engine, "checkout", look)
        await die(database, data)

        async with data.session() as session:
            await door(session, database)

    assert await database.stored() == ["a"]
