"""Read-only is a state of the connection, whatever API a write uses, in AUTOCOMMIT as well (contract C5.10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import column, event, func, select, table, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data import DataModule, DataSettings, ReadOnlySessionError
from tests.databases import SERVERS, Database
from tests.faults.proxy import FaultProxy
from tests.integration.test_postgresql_doors import DOORS, Door, driver, execute, module_with, run_sql
from tests.integration.test_round_trips import read, write

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

KINDS = {
    "a session": ({}, True),
    "a session in the profile's AUTOCOMMIT": ({"isolation_level": "AUTOCOMMIT"}, True),
    "a session in AUTOCOMMIT by option": ({"execution_options": {"isolation_level": "AUTOCOMMIT"}}, True),
    "a profile": ({"read_only": True}, False),
    "a profile in AUTOCOMMIT": ({"read_only": True, "isolation_level": "AUTOCOMMIT"}, False),
}
BY_SESSION = [kind for kind, (_, by_session) in KINDS.items() if by_session]


@asynccontextmanager
async def reading(data: DataModule, kind: str) -> AsyncIterator[AsyncSession]:
    async with data.session(**({"read_only": True} if KINDS[kind][1] else {})) as session:
        yield session


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", DOORS)
async def test_a_write_is_refused_by_every_door(database: Database, door: Door, kind: str) -> None:
    async with database.module(**KINDS[kind][0]) as data:
        with pytest.raises(Exception, match=r"read-only|cursor cannot be created outside of a transaction"):
            async with reading(data, kind) as session:
                await door(session, database)

    assert await database.stored() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_statement_of_the_session_is_told_as_such(database: Database, kind: str) -> None:
    async with database.module(**KINDS[kind][0]) as data:
        with pytest.raises(ReadOnlySessionError):
            async with reading(data, kind) as session:
                await session.execute(database.note("a"))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_view_whose_function_writes_is_refused(database: Database, kind: str) -> None:
    name = database.notes.name
    body = f"BEGIN INSERT INTO {name} (text) VALUES ('a'); RETURN 1; END"
    await database.run(
        f"CREATE FUNCTION {name}_write() RETURNS int LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE VIEW {name}_view AS SELECT {name}_write() AS id",
    )
    async with database.module(**KINDS[kind][0]) as data:
        with pytest.raises(ReadOnlySessionError):
            async with reading(data, kind) as session:
                await session.execute(select(column("id")).select_from(table(f"{name}_view")))
    await database.run(f"DROP VIEW {name}_view", f"DROP FUNCTION {name}_write")

    assert await database.stored() == []


@pytest.mark.parametrize("kind", BY_SESSION)
async def test_who_comes_next_may_write(database: Database, kind: str) -> None:
    async with database.module(pool_size=1, **KINDS[kind][0]) as data:
        async with data.session(read_only=True) as session:
            await read(session, database)
        async with data.session() as session:
            await session.execute(database.note("a"))
        async with data.session(read_only=True) as session:
            await read(session, database)
        raw = await data.get_engine().raw_connection()
        await raw.driver_connection.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('b')")
        raw.close()

    assert await database.stored() == ["a", "b"]


async def test_a_write_that_was_refused_leaves_the_connection_writable(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await write(session, database)
        async with data.session() as session:
            await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


ALLOWING = [
    "SET TRANSACTION READ WRITE",
    "SET TRANSACTION /* it's /* not */ only */ READ WRITE",
    "START TRANSACTION -- don't\n READ WRITE",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE /*'*/, READ WRITE",
    'SET U&"transaction_read_only" = off',
    'SET"transaction_read_only"=off',
    "-- a line\rSET TRANSACTION READ WRITE",
    "set transaction isolation level read committed, read /* not only */ write",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET transaction_read_only = off",
    "SET LOCAL transaction_read_only TO DEFAULT",
    "SET SESSION \"default_transaction_read_only\" TO 'no'",
    "RESET transaction_read_only",
    "BEGIN READ WRITE",
    "START TRANSACTION READ WRITE",
]


async def by_session(session: AsyncSession, sql: str) -> None:
    await session.execute(text(sql))


async def by_driver(session: AsyncSession, sql: str) -> None:
    await (await driver(session)).execute(sql)


async def among_others(session: AsyncSession, sql: str) -> None:
    await (await driver(session)).execute(f"{sql}; SELECT 1")


async def prepared(session: AsyncSession, sql: str) -> None:
    await (await (await driver(session)).prepare(sql)).fetch()


async def by_cursor(session: AsyncSession, sql: str) -> None:
    def run(connection: Any) -> None:
        connection.connection.cursor().execute(sql)

    await (await session.connection()).run_sync(run)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", [by_session, by_driver, among_others, prepared, by_cursor])
async def test_it_is_not_told_that_it_may_write(database: Database, kind: str, way: Any) -> None:
    """The server would take that as the first statement of a transaction."""
    async with database.module(**KINDS[kind][0]) as data:
        for sql in ALLOWING:
            async with reading(data, kind) as session:
                with pytest.raises(ReadOnlySessionError):
                    await way(session, sql)
                await session.rollback()
                assert await session.scalar(text("SHOW transaction_read_only")) == "on", sql

    assert await database.stored() == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", ["RESET ALL", "SELECT set_config('default_transaction_read_only', 'off', false)"])
@pytest.mark.parametrize("between", ["; ", None], ids=["one text", "two messages"])
async def test_no_text_goes_on_behind_its_own_commit(
    database: Database, kind: str, first: str, between: str | None
) -> None:
    """There a transaction would begin, in the middle of a message, that the first statement lets write."""
    last = f"COMMIT; INSERT INTO {database.notes.name} (text) VALUES ('a'); COMMIT"
    async with database.module(**KINDS[kind][0]) as data, reading(data, kind) as session:
        connection = await driver(session)
        if between is None:
            await connection.execute(first)
        with pytest.raises(ReadOnlySessionError, match="one by one"):
            await connection.execute(last if between is None else f"{first}{between}{last}")
        await session.rollback()

    assert await database.stored() == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statement", ["CALL {0}_go()", "DO $$ {1} $$"])
@pytest.mark.parametrize(
    "body",
    [
        "BEGIN SET TRANSACTION READ WRITE; INSERT INTO {0} (text) VALUES ('a'); END",
        "BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO {0} (text) VALUES ('a'); END",
    ],
    ids=["at once", "behind its own COMMIT"],
)
async def test_a_procedure_that_allows_writes_is_refused(
    database: Database, kind: str, body: str, statement: str
) -> None:
    """What it says is not judged: in a transaction the server refuses it, in AUTOCOMMIT it is not sent."""
    name = database.notes.name
    body = body.format(name)
    await database.run(f"CREATE PROCEDURE {name}_go() LANGUAGE plpgsql AS $$ {body} $$")
    async with database.module(**KINDS[kind][0]) as data:
        with pytest.raises(Exception, match=r"must be set before any query|invalid transaction|AUTOCOMMIT"):
            async with reading(data, kind) as session:
                await session.execute(text(statement.format(name, body)))
    await database.run(f"DROP PROCEDURE {name}_go")

    assert await database.stored() == []


@pytest.mark.parametrize(
    "sql",
    [
        "SET TRANSACTION READ ONLY",
        "SET LOCAL transaction_read_only = on",
        "SELECT current_setting('transaction_read_only'), 'to read write', 'begin'",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SELECT 1 WHERE 'a' = 'transaction read write'",
        "SELECT 1 WHERE 'a' LIKE 'begin to read  write%'",
        "-- how we work: read write split\nSELECT 1",
        'SELECT t.work, t."read write" FROM (SELECT 1 AS work, 2 AS "read write") AS t',
        "SELECT 'it works; call me'",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_allows_no_writes_is_sent(database: Database, kind: str, sql: str) -> None:
    async with database.module(**KINDS[kind][0]) as data, reading(data, kind) as session:
        await session.execute(text(sql))


async def test_a_block_is_sent_in_a_transaction(database: Database) -> None:
    async with database.module() as data, data.session(read_only=True) as session:
        await session.execute(text("DO $$ BEGIN PERFORM 1; END $$"))


async def test_a_session_that_writes_may_be_told_anything(database: Database) -> None:
    async with database.module() as data:
        async with data.session(read_only=True) as session:
            await read(session, database)
        async with data.session() as session:
            await session.execute(text("SET TRANSACTION READ WRITE"))
            await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


async def test_a_statement_that_allows_writes_again_counts_for_its_own_transaction(database: Database) -> None:
    async with database.module(pool_size=1) as data, data.session(read_only=True) as session:
        await session.execute(text("SELECT set_config('default_transaction_read_only', 'off', false)"))
        await session.commit()
        with pytest.raises(ReadOnlySessionError):
            await session.execute(database.note("a"))
        await session.rollback()

    assert await database.stored() == []


async def test_what_a_checkout_listener_has_begun_is_read_only_as_well(database: Database) -> None:
    def listen(_: str, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "checkout", run_sql("SELECT 1"))

    async with module_with(database, listen) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await session.execute(database.note("a"))
        async with data.session() as session:
            await session.execute(database.note("b"))

    assert await database.stored() == ["b"]


async def test_a_server_that_refuses_writes_by_itself_is_not_told_otherwise(database: Database) -> None:
    name = await database.run("SELECT current_database()")
    await database.run(f"ALTER DATABASE {name[0][0]} SET default_transaction_read_only = on")
    async with database.module(pool_size=1) as data:
        async with data.session(read_only=True) as session:
            await read(session, database)
        async with data.session() as session:
            assert await session.scalar(text("SHOW transaction_read_only")) == "on"
    await database.run("SET TRANSACTION READ WRITE", f"ALTER DATABASE {name[0][0]} RESET default_transaction_read_only")


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

        assert proxy.round_trips - before == 2 * 1 + 2 * 3


async def test_now_stands_still_in_a_read_only_profile(database: Database) -> None:
    async with database.module(read_only=True) as data, data.session() as session:
        first = await session.scalar(select(func.now()))
        await read(session, database)

        assert await session.scalar(select(func.now())) == first


async def test_a_large_object_is_read_in_a_read_only_profile(database: Database) -> None:
    number = (await database.run("SELECT lo_from_bytea(0, 'stored')"))[0][0]
    async with database.module(read_only=True) as data, data.session() as session:
        handle = await session.scalar(select(func.lo_open(number, 0x40000)))

        assert await session.scalar(select(func.loread(handle, 10))) == b"stored"
    await database.run(f"SELECT lo_unlink({number})")


async def test_two_profiles_of_one_server_keep_their_own(database: Database) -> None:
    profiles = {"main": database.settings(), "reading": database.settings(read_only=True)}
    async with DataModule(profile="main", settings=DataSettings(profiles=profiles, default="main")) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session("reading") as session:
                await session.execute(database.note("a"))
        async with data.session("main") as session:
            await execute(session, database)

    assert await database.stored() == ["a"]


async def test_the_drivers_connection_says_that_it_is_read_only(database: Database) -> None:
    async with database.module() as data, data.session(read_only=True) as session:
        held: Any = await driver(session)

        assert await held.fetchval("SHOW transaction_read_only") == "on"
