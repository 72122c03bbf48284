"""The isolation level is what the connection really has, wherever it was set (C4, C9; ADR 0011)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data import DataModule
from tests.databases import SERVERS, Database
from tests.faults.proxy import FaultProxy
from tests.integration.test_postgresql_doors import driver, module_with, run_sql
from tests.integration.test_round_trips import read, spent

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

ONE_SNAPSHOT = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"
BY_SETTING = "SET default_transaction_isolation = 'repeatable read'"
BY_FUNCTION = "SELECT set_config('default_transaction_isolation', 'serializable', false)"
BY_BLOCK = "DO $$ BEGIN SET default_transaction_isolation = 'repeatable read'; END $$"
WAYS = [ONE_SNAPSHOT, BY_SETTING, BY_FUNCTION, BY_BLOCK]

Listen = Callable[[str, AsyncEngine], None]


async def sees_one_snapshot(session: AsyncSession, database: Database) -> bool:
    """Whether two plain reads of a session see the same, though another one wrote between them."""
    before = await database.texts(session)
    await database.run(f"INSERT INTO {database.notes.name} DEFAULT VALUES")
    return len(await database.texts(session)) == len(before)


def by_cursor(when: str, sql: str) -> Listen:
    def listen(_: str, engine: AsyncEngine) -> None:
        def run(dbapi_connection: Any, *rest: Any) -> None:
            run_sql(sql)(dbapi_connection, *rest)
            dbapi_connection.commit()

        event.listen(engine.sync_engine, when, run)

    return listen


def by_driver(when: str, sql: str) -> Listen:
    def listen(_: str, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, when)
        def run(dbapi_connection: Any, *_: Any) -> None:
            dbapi_connection.run_async(lambda driver: driver.execute(sql))
            dbapi_connection.commit()  # else it belongs to the session's transaction, if there is to be one

    return listen


@pytest.mark.parametrize("sql", WAYS)
@pytest.mark.parametrize("by", [by_cursor, by_driver])
@pytest.mark.parametrize("when", ["connect", "checkout"])
async def test_what_a_listener_chose_holds(database: Database, by: Any, when: str, sql: str) -> None:
    async with module_with(database, by(when, sql)) as data:
        for _ in range(2):
            async with data.session() as session:
                assert await sees_one_snapshot(session, database)


async def test_what_the_servers_settings_of_the_profile_chose_holds(database: Database) -> None:
    chosen = {"server_settings": {"default_transaction_isolation": "repeatable read"}}
    async with database.module(connect_args=chosen) as data, data.session() as session:
        assert await sees_one_snapshot(session, database)


@asynccontextmanager
async def altered(database: Database) -> AsyncIterator[None]:
    name = (await database.run("SELECT current_database()"))[0][0]
    await database.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    try:
        yield
    finally:
        await database.run(f"ALTER DATABASE {name} RESET default_transaction_isolation")


async def test_what_the_database_chose_after_the_engine_was_opened_holds_on_new_connections(database: Database) -> None:
    async with database.module() as data, data.session() as session, altered(database):
        await read(session, database)
        async with data.session() as other:
            await other.execute(select(1))
            assert await sees_one_snapshot(other, database)


@pytest.mark.parametrize("sql", WAYS)
@pytest.mark.parametrize("door", ["text", "the driver"])
async def test_what_a_session_chose_holds_from_then_on(database: Database, sql: str, door: str) -> None:
    async with database.module(pool_size=1) as data:
        async with data.session() as session:
            await read(session, database)
            await (session.execute(text(sql)) if door == "text" else (await driver(session)).execute(sql))
        async with data.session() as session:
            assert await sees_one_snapshot(session, database)


async def test_what_was_rolled_back_does_not_hold(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1) as data:
        async with data.session() as session:
            await session.execute(text(ONE_SNAPSHOT))
            await session.rollback()

        assert await spent(proxy, data, database, read) == 1


async def test_back_at_read_committed_a_read_costs_one_round_trip(database: Database, proxy: FaultProxy) -> None:
    async with module_with(database, by_driver("connect", ONE_SNAPSHOT), pool_size=1) as data:
        assert await spent(proxy, data, database, read) == 3
        async with data.session() as session:
            await session.execute(text("RESET default_transaction_isolation"))

        assert await spent(proxy, data, database, read) == 1


async def test_a_level_of_ones_own_is_reset_to_that_of_the_connection(database: Database) -> None:
    async def level(data: DataModule, **options: Any) -> Any:
        async with data.session() as session:
            if options:
                await session.connection(execution_options=options)
            return await session.scalar(text("SHOW transaction_isolation"))

    async with module_with(database, by_driver("connect", ONE_SNAPSHOT), pool_size=1) as data:
        assert await level(data, isolation_level="SERIALIZABLE") == "serializable"
        assert await level(data) == "repeatable read"


async def test_a_level_of_the_profile_is_what_a_connection_is_reset_to(database: Database) -> None:
    async with database.module(pool_size=1, isolation_level="SERIALIZABLE") as data:
        async with data.session() as session:
            await session.connection(execution_options={"isolation_level": "READ COMMITTED"})
            assert await session.scalar(text("SHOW transaction_isolation")) == "read committed"
        async with data.session() as session:
            assert await session.scalar(text("SHOW transaction_isolation")) == "serializable"


async def test_the_dialect_resets_a_level_that_was_set_by_hand(database: Database) -> None:
    async with database.module(pool_size=1) as data, data.get_engine().connect() as connection:

        def run(sync: Any) -> tuple[str, str]:
            dialect, dbapi_connection = sync.dialect, sync.connection.dbapi_connection
            dialect.set_isolation_level(dbapi_connection, "SERIALIZABLE")
            chosen = dialect.get_isolation_level(dbapi_connection)
            dialect.reset_isolation_level(dbapi_connection)
            return chosen, dialect.get_isolation_level(dbapi_connection)

        assert await connection.run_sync(run) == ("SERIALIZABLE", "READ COMMITTED")


async def test_where_a_session_asks_for_read_committed_a_read_comes_first(
    database: Database, proxy: FaultProxy
) -> None:
    async def work(session: AsyncSession, database: Database) -> None:
        await session.connection(execution_options={"isolation_level": "READ COMMITTED"})
        await read(session, database)

    async with module_with(database, by_driver("connect", ONE_SNAPSHOT), pool_size=1) as data:
        assert await spent(proxy, data, database, work) == 1


async def test_a_connection_that_forgets_its_state_is_asked_once(database: Database, proxy: FaultProxy) -> None:
    """Nothing stays prepared there: a read is prepared, executed and followed by DISCARD ALL."""
    async with database.module(pool_size=1, pool_reset_on_return="discard") as data:
        assert await spent(proxy, data, database, read) == 3
        async with data.session(read_only=True) as session:
            await read(session, database)

        async with data.session() as session:
            await session.execute(text(ONE_SNAPSHOT))
            await session.execute(database.note("a"))
        async with data.session() as session:
            assert not await sees_one_snapshot(session, database)
