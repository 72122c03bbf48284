"""Every API of PostgreSQL stands in the session's transaction (contract C5.1, C5.8, C16.4; ADR 20)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data import DataModule, DataSettings
from tests.databases import SERVERS, Database
from tests.faults.proxy import FaultProxy
from tests.integration.test_round_trips import read, spent

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

Door = Callable[[AsyncSession, Database], Awaitable[Any]]


async def raw(session: AsyncSession) -> Any:
    return await (await session.connection()).get_raw_connection()


async def driver(session: AsyncSession) -> Any:
    return (await raw(session)).driver_connection


async def copy_records(session: AsyncSession, database: Database) -> None:
    await (await driver(session)).copy_records_to_table(database.notes.name, records=[("a",), ("b",)], columns=["text"])


async def copy_in(session: AsyncSession, database: Database) -> None:
    await (await driver(session)).copy_to_table(database.notes.name, source=BytesIO(b"1\ta\n"))


async def copy_out_of_a_write(session: AsyncSession, database: Database) -> None:
    async def drop(_: bytes) -> None: ...

    query = f"INSERT INTO {database.notes.name} (text) VALUES ('a') RETURNING id"
    await (await driver(session)).copy_from_query(query, output=drop)


async def execute(session: AsyncSession, database: Database) -> None:
    await (await driver(session)).execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")


async def execute_with_arguments(session: AsyncSession, database: Database) -> None:
    await (await driver(session)).execute(f"INSERT INTO {database.notes.name} (text) VALUES ($1)", "a")


async def fetch(session: AsyncSession, database: Database) -> None:
    await (await driver(session)).fetch(f"INSERT INTO {database.notes.name} (text) VALUES ('a') RETURNING id")


async def execute_many(session: AsyncSession, database: Database) -> None:
    query = f"INSERT INTO {database.notes.name} (text) VALUES ($1)"
    await (await driver(session)).executemany(query, [("a",), ("b",)])


async def prepare(session: AsyncSession, database: Database) -> None:
    prepared = await (await driver(session)).prepare(f"INSERT INTO {database.notes.name} (text) VALUES ($1)")
    await prepared.fetch("a")


async def drivers_cursor(session: AsyncSession, database: Database) -> None:
    query = f"INSERT INTO {database.notes.name} (text) VALUES ('a') RETURNING id"
    async for _ in (await driver(session)).cursor(query):
        pass


async def drivers_transaction(session: AsyncSession, database: Database) -> None:
    connection = await driver(session)
    async with connection.transaction():
        await connection.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")


async def cursor_by_hand(session: AsyncSession, database: Database) -> None:
    connection = await session.connection()

    def run(connection: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
        cursor.close()

    await connection.run_sync(run)


async def run_async(session: AsyncSession, database: Database) -> None:
    sql = f"INSERT INTO {database.notes.name} (text) VALUES ('a')"
    connection = await session.connection()
    await connection.run_sync(lambda sync: sync.connection.dbapi_connection.run_async(lambda one: one.execute(sql)))


async def run_sync(session: AsyncSession, database: Database) -> None:
    await session.run_sync(lambda sync: sync.execute(insert(database.notes)))


async def stream(session: AsyncSession, database: Database) -> None:
    rows = await session.stream(insert(database.notes).returning(database.notes.c.id))
    await rows.all()


async def driver_sql(session: AsyncSession, database: Database) -> None:
    await (await session.connection()).exec_driver_sql(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")


DOORS = [
    copy_records,
    copy_in,
    copy_out_of_a_write,
    execute,
    execute_with_arguments,
    fetch,
    execute_many,
    prepare,
    drivers_cursor,
    drivers_transaction,
    cursor_by_hand,
    run_async,
    run_sync,
    stream,
    driver_sql,
]


class FailureError(Exception):
    """What a handler raises."""


@pytest.mark.parametrize("before", [None, read], ids=["first", "behind a read"])
@pytest.mark.parametrize("door", DOORS)
async def test_what_a_door_wrote_is_rolled_back(database: Database, door: Door, before: Door | None) -> None:
    async with database.module() as data:
        with pytest.raises(FailureError):
            async with data.session() as session:
                if before is not None:
                    await before(session, database)
                await door(session, database)
                raise FailureError

        assert await database.stored() == []


@pytest.mark.parametrize("door", DOORS)
async def test_what_a_door_wrote_is_committed(database: Database, door: Door) -> None:
    async with database.module() as data, data.session() as session:
        await read(session, database)
        await door(session, database)

    assert await database.stored() != []


async def test_a_lock_that_the_driver_took_is_held(database: Database) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
    async with database.module() as data, data.session() as session:
        await read(session, database)
        await (await driver(session)).fetch(f"SELECT * FROM {database.notes.name} FOR UPDATE")

        free = await database.run(f"SELECT * FROM {database.notes.name} FOR UPDATE SKIP LOCKED")

    assert list(free) == []


async def test_a_setting_of_the_transaction_lasts_as_long(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        await read(session, database)
        await (await driver(session)).execute("SET LOCAL application_name = 'local'")

        assert await session.scalar(text("SHOW application_name")) == "local"


async def test_a_savepoint_of_the_driver_is_rolled_back_alone(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        connection = await driver(session)
        with pytest.raises(FailureError):
            async with connection.transaction():
                await execute(session, database)
                raise FailureError
        await session.execute(database.note("b"))

    assert await database.stored() == ["b"]


async def test_what_the_driver_sees_first_is_told_to_be_a_transaction(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        assert (await driver(session)).is_in_transaction()


def module_with(database: Database, listen: Callable[[str, AsyncEngine], None], **settings: Any) -> DataModule:
    profiles = DataSettings(profiles={"main": database.settings(**settings)})
    return DataModule(settings=profiles, on_engine=listen)


def run_sql(sql: str) -> Callable[..., None]:
    def run(dbapi_connection: Any, *_: Any) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute(sql)
        cursor.close()

    return run


async def test_sql_of_a_connect_listener_belongs_to_the_first_session(database: Database) -> None:
    def listen(_: str, engine: AsyncEngine) -> None:
        sql = f"INSERT INTO {database.notes.name} (text) VALUES ('a')"
        event.listen(engine.sync_engine, "connect", run_sql(sql))

    async with module_with(database, listen) as data:
        with pytest.raises(FailureError):
            async with data.session() as session:
                await read(session, database)
                raise FailureError

        assert await database.stored() == []


async def test_sqlalchemys_own_option_for_read_only_transactions_counts(database: Database) -> None:
    async with database.module() as data, data.get_engine().connect() as connection:
        await connection.execution_options(postgresql_readonly=True)
        await connection.execute(select(database.notes))
        held = (await connection.get_raw_connection()).driver_connection
        with pytest.raises(Exception, match="read-only"):
            await held.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")


async def test_a_connection_that_was_not_begun_is_in_no_transaction(database: Database) -> None:
    """As with SQLAlchemy's own engine: what the driver is told between units of work stands by itself."""
    async with database.module() as data:
        connection = await data.get_engine().raw_connection()
        await connection.driver_connection.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
        connection.close()

    assert await database.stored() == ["a"]


async def test_an_engine_of_ones_own_transaction_is_the_drivers(database: Database) -> None:
    async with database.module() as data:
        async with data.get_engine().connect() as connection:
            await connection.execute(select(database.notes))
            held = (await connection.get_raw_connection()).driver_connection
            await held.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
            await connection.rollback()

        assert await database.stored() == []


async def test_every_statement_is_heard_by_a_listener_of_the_dialects_events(database: Database) -> None:
    heard: list[str] = []

    def listen(_: str, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "do_execute")
        def do_execute(_cursor: Any, statement: str, *_: Any) -> None:
            heard.append(statement)

    async with module_with(database, listen) as data:
        async with data.session() as session:
            await read(session, database)  # opens the engine, which asks on its own
        heard.clear()
        async with data.session() as session:
            await session.execute(select(1))
            await session.execute(text("SELECT 2"))
            await session.execute(select(func.count()).select_from(database.notes))

    assert len(heard) == 3


async def test_a_listener_may_execute_in_place_of_the_dialect(database: Database) -> None:
    def listen(_: str, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "do_execute")
        def do_execute(cursor: Any, statement: str, parameters: Any, _: Any) -> bool:
            cursor.execute(statement.replace("41", "42"), parameters)
            return True

    async with module_with(database, listen) as data, data.session() as session:
        assert await session.scalar(text("SELECT 41")) == 42


async def test_a_statement_that_a_listener_rewrote_begins_the_transaction(
    database: Database, proxy: FaultProxy
) -> None:
    def listen(_: str, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
        def rewrite(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
            return statement + " -- by a listener", parameters

    async with module_with(database, listen) as data:
        assert await spent(proxy, data, database, read) == 3


async def test_an_expanded_list_is_read_in_one_round_trip(database: Database, proxy: FaultProxy) -> None:
    async def look(session: AsyncSession, _: Database) -> None:
        await session.execute(select(database.notes).where(database.notes.c.id.in_([1, 2, 3])))

    async with database.module() as data:
        assert await spent(proxy, data, database, look) == 1


async def test_a_connection_class_of_the_users_own_stands_in_the_transaction(database: Database) -> None:
    from asyncpg import Connection  # noqa: PLC0415 - the driver may be absent

    class Own(Connection):  # type: ignore[misc]  # asyncpg ships no types
        """What an application adds to asyncpg's."""

    async with database.module(connect_args={"connection_class": Own}) as data:
        with pytest.raises(FailureError):
            async with data.session() as session:
                assert isinstance(await driver(session), Own)
                await execute(session, database)
                raise FailureError

        assert await database.stored() == []
