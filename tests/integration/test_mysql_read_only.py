"""On MySQL a read-only session is read-only at the server by every API, for as long as it lasts (contract C5.10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pymysql
import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.errors import ReadOnlySessionError
from tests.databases import Database
from tests.faults.proxy import FaultProxy
from tests.integration.test_round_trips import read, write

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

REFUSED = (ReadOnlySessionError, DBAPIError, pymysql.err.Error)

Door = Callable[[AsyncSession, Database], Awaitable[Any]]


@pytest.fixture
async def doors(database: Database) -> AsyncIterator[None]:
    """A view, a function and a procedure that write into the notes, and a second table."""
    name = database.notes.name
    await database.run(
        f"CREATE VIEW view_{name} AS SELECT id, text FROM {name}",
        f"CREATE FUNCTION function_{name}() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
        f" BEGIN INSERT INTO {name} (text) VALUES ('f'); RETURN 1; END",
        f"CREATE PROCEDURE procedure_{name}() BEGIN INSERT INTO {name} (text) VALUES ('p'); END",
    )
    yield
    await database.run(f"DROP VIEW view_{name}", f"DROP FUNCTION function_{name}", f"DROP PROCEDURE procedure_{name}")


async def driver_of(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def by_insert(session: AsyncSession, database: Database) -> None:
    await session.execute(insert(database.notes).values(text="x"))


async def by_flush(session: AsyncSession, database: Database) -> None:
    note = database.mapped()()
    note.text = "x"
    session.add(note)
    await session.flush()


async def by_view(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"INSERT INTO view_{database.notes.name} (text) VALUES ('v')"))


async def by_function(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"SELECT function_{database.notes.name}()"))


async def by_procedure(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"CALL procedure_{database.notes.name}()"))


async def by_driver(session: AsyncSession, database: Database) -> None:
    async with (await driver_of(session)).cursor() as cursor:
        await cursor.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('d')")


async def by_dbapi_cursor(session: AsyncSession, database: Database) -> None:
    def run(connection: Any) -> None:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('c')")
        finally:
            cursor.close()

    await (await session.connection()).run_sync(run)


async def by_stream(session: AsyncSession, database: Database) -> None:
    stream = await session.stream(text(f"SELECT function_{database.notes.name}()"))
    _ = [row async for row in stream]


async def by_ddl(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"ALTER TABLE {database.notes.name} COMMENT 'x'"))


async def by_truncate(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"TRUNCATE TABLE {database.notes.name}"))


async def by_a_transaction_of_its_own(session: AsyncSession, database: Database) -> None:
    await session.execute(text("START TRANSACTION"))
    await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES ('t')"))


async def behind_a_commit(session: AsyncSession, database: Database) -> None:
    await read(session, database)
    await session.commit()
    await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES ('b')"))


DOORS = [
    by_insert, by_flush, by_view, by_function, by_procedure, by_driver, by_dbapi_cursor, by_stream, by_ddl, by_truncate,
    by_a_transaction_of_its_own, behind_a_commit,
]  # fmt: skip


def module(database: Database, level: str | None, *, read_only: bool = False) -> DataModule:
    return database.module(pool_size=1, isolation_level=level, read_only=read_only)


@on_mysql
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT", "READ COMMITTED"])
@pytest.mark.parametrize("by_profile", [False, True])
async def test_every_door_is_closed(
    database: Database, doors: None, door: Door, level: str | None, *, by_profile: bool
) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (text) VALUES ('there')")
    async with module(database, level, read_only=by_profile) as data:
        with pytest.raises(REFUSED, match=r"1792|read-only"):
            async with data.session(read_only=not by_profile) as session:
                await door(session, database)

    assert await database.stored() == ["there"]


@on_mysql
async def test_autocommit_by_the_session_opens_none(database: Database) -> None:
    async with module(database, None) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
                await by_insert(session, database)

    assert await database.stored() == []


@on_mysql
async def test_the_drivers_connection_asked_first_is_no_way_around(database: Database) -> None:
    async with module(database, None) as data:
        for _ in range(2):
            with pytest.raises(REFUSED, match="1792"):
                async with data.session(read_only=True) as session:
                    await by_driver(session, database)
            async with data.session() as session:
                await by_driver(session, database)
                await session.rollback()

    assert await database.stored() == []


@on_mysql
async def test_sql_of_a_listener_at_checkout_opens_no_transaction_that_writes(database: Database) -> None:
    async with module(database, None) as data:

        def look(dbapi_connection: Any, *_: Any) -> None:
            cursor = dbapi_connection.cursor()
            cursor.execute(f"SELECT COUNT(*) FROM {database.notes.name}")
            cursor.close()

        event.listen(data.get_engine().sync_engine, "checkout", look)
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await by_insert(session, database)
        async with data.session() as session:
            await by_insert(session, database)

    assert await database.stored() == ["x"]


@on_mysql
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
async def test_the_next_session_of_the_other_kind_gets_what_it_wants(database: Database, level: str | None) -> None:
    async with module(database, level) as data:
        for number in range(3):
            async with data.session(read_only=True) as session:
                await read(session, database)
            async with data.session() as session:
                await session.execute(database.note(f"{number}"))

    assert await database.stored() == ["0", "1", "2"]


STRAYS = ["READ WRITE", "READ ONLY"]


@on_mysql
@pytest.mark.parametrize("kind", STRAYS)
@pytest.mark.parametrize("by_profile", [False, True])
async def test_what_a_statement_made_of_it_does_not_reach_the_next_session(
    database: Database, kind: str, *, by_profile: bool
) -> None:
    async with module(database, None, read_only=by_profile) as data:
        for read_only in [by_profile, True, by_profile, True]:
            async with data.session(read_only=read_only) as session:
                await session.execute(text(f"SET SESSION TRANSACTION {kind}"))
            if by_profile or read_only:
                with pytest.raises(ReadOnlySessionError):
                    async with data.session(read_only=True) as session:
                        await by_insert(session, database)
            else:
                async with data.session() as session:
                    await by_insert(session, database)
                    await session.rollback()


@on_mysql
async def test_discarding_keeps_what_the_profile_says(database: Database) -> None:
    async with database.module(pool_size=1, pool_reset_on_return="discard") as data:
        for _ in range(2):
            with pytest.raises(ReadOnlySessionError):
                async with data.session(read_only=True) as session:
                    await by_insert(session, database)
            async with data.session() as session:
                await by_insert(session, database)
                await session.rollback()
    async with database.module(pool_size=1, pool_reset_on_return="discard", read_only=True) as data:
        for _ in range(2):
            with pytest.raises(ReadOnlySessionError):
                async with data.session() as session:
                    await by_insert(session, database)


@on_mysql
@pytest.mark.parametrize(("level", "cost"), [(None, 2), ("AUTOCOMMIT", 1)])
async def test_a_hot_read_only_session_sends_no_beginning(
    database: Database, proxy: FaultProxy, level: str | None, cost: int
) -> None:
    async with module(database, level) as data:
        spent = 0
        for _ in range(3):
            before = proxy.round_trips
            async with data.session(read_only=True) as session:
                await read(session, database)
            spent = proxy.round_trips - before

    assert spent == cost


@on_mysql
async def test_a_session_of_the_other_kind_pays_one_message(database: Database, proxy: FaultProxy) -> None:
    async with module(database, None) as data:
        async with data.session(read_only=True) as session:
            await session.execute(select(database.notes))
        async with data.session() as session:  # compiles its statement, and changes the kind
            await write(session, database)
        async with data.session(read_only=True) as session:
            await session.execute(select(database.notes))
        before = proxy.round_trips
        async with data.session() as session:
            await write(session, database)

    assert proxy.round_trips - before == 3


@on_mysql
async def test_readers_and_writers_take_connections_that_are_as_they_need_them(
    database: Database, proxy: FaultProxy
) -> None:
    async with database.module(pool_size=2) as data:
        for _ in range(2):
            async with data.session() as writing, data.session(read_only=True) as session:
                await write(writing, database)
                await read(session, database)
        before = proxy.round_trips
        for _ in range(2):
            async with data.session(read_only=True) as session:
                await read(session, database)
        for _ in range(2):
            async with data.session() as session:
                await write(session, database)

        assert proxy.round_trips - before == 2 * 2 + 2 * 2
