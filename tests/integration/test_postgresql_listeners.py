"""SQL of listeners stands in the transaction of the session that they are called for (contract C16.4; ADR 20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import DataModule, DataSettings
from tests.databases import SERVERS, Database
from tests.integration.test_round_trips import read

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

Door = Callable[[Any, Database], None]
"""Stores the note `a`: by a DBAPI connection, or by SQLAlchemy's where the listener has one."""


def sql(database: Database) -> str:
    return f"INSERT INTO {database.notes.name} (text) VALUES ('a')"


def dbapi(connection: Any) -> Any:
    return connection.connection.dbapi_connection if hasattr(connection, "connection") else connection


def cursor(connection: Any, database: Database) -> None:
    cursor = dbapi(connection).cursor()
    cursor.execute(sql(database))
    cursor.close()


def many(connection: Any, database: Database) -> None:
    cursor = dbapi(connection).cursor()
    cursor.executemany(f"INSERT INTO {database.notes.name} (text) VALUES ($1)", [("a",)])
    cursor.close()


def driver_execute(connection: Any, database: Database) -> None:
    dbapi(connection).run_async(lambda driver: driver.execute(sql(database)))


def driver_fetch(connection: Any, database: Database) -> None:
    dbapi(connection).run_async(lambda driver: driver.fetch(f"{sql(database)} RETURNING id"))


def driver_many(connection: Any, database: Database) -> None:
    query = f"INSERT INTO {database.notes.name} (text) VALUES ($1)"
    dbapi(connection).run_async(lambda driver: driver.executemany(query, [("a",)]))


def driver_prepare(connection: Any, database: Database) -> None:
    async def run(driver: Any) -> None:
        await (await driver.prepare(f"{sql(database)} RETURNING id")).fetch()

    dbapi(connection).run_async(run)


def driver_transaction(connection: Any, database: Database) -> None:
    async def run(driver: Any) -> None:
        async with driver.transaction():
            await driver.execute(sql(database))

    dbapi(connection).run_async(run)


def driver_cursor(connection: Any, database: Database) -> None:
    async def run(driver: Any) -> None:
        await (await driver.cursor(f"{sql(database)} RETURNING id")).fetch(1)

    dbapi(connection).run_async(run)


def copy(connection: Any, database: Database) -> None:
    name = database.notes.name
    dbapi(connection).run_async(lambda driver: driver.copy_records_to_table(name, records=[("a",)], columns=["text"]))


def exec_driver_sql(connection: Any, database: Database) -> None:
    connection.exec_driver_sql(sql(database))


def execute(connection: Any, database: Database) -> None:
    connection.execute(insert(database.notes).values(text="a"))


DRIVERS_DOORS = [
    driver_execute,
    driver_fetch,
    driver_many,
    driver_prepare,
    driver_transaction,
    driver_cursor,
    copy,
]
DBAPI_DOORS = [cursor, many, *DRIVERS_DOORS]
# What an `engine_connect` listener begins by SQLAlchemy's own connection is the listener's to commit in SQLAlchemy 2.0.
OF_SQLALCHEMY = [exec_driver_sql, execute]
AT_CONNECT = OF_SQLALCHEMY if tuple(map(int, sqlalchemy.__version__.split(".")[:2])) > (2, 0) else []
DOORS = [
    *(("checkout", door) for door in DBAPI_DOORS),
    *(("engine_connect", door) for door in [*DBAPI_DOORS, *AT_CONNECT]),
    *(("begin", door) for door in [*DBAPI_DOORS, *OF_SQLALCHEMY]),
]
each_door = pytest.mark.parametrize(("when", "door"), DOORS, ids=[f"{when}-{door.__name__}" for when, door in DOORS])


class FailureError(Exception):
    """What a handler raises."""


def listening(
    database: Database, when: str, door: Door, *, insert: bool = False, once: bool = False, **settings: Any
) -> DataModule:
    """A module whose listener stores a note by one API, each time it is called."""

    def listen(_: str, engine: AsyncEngine) -> None:
        def listener(one: Any, *_: Any) -> None:
            door(one, database)

        event.listen(engine.sync_engine, when, listener, insert=insert, once=once)

    profiles = DataSettings(profiles={"main": database.settings(**settings)})
    return DataModule(settings=profiles, on_engine=listen)


async def fail_in_a_session(data: DataModule, database: Database) -> None:
    with pytest.raises(FailureError):
        async with data.session() as session:
            await read(session, database)
            raise FailureError


@each_door
async def test_what_a_listener_wrote_is_rolled_back_with_the_session(database: Database, when: str, door: Door) -> None:
    async with listening(database, when, door) as data:
        for _ in range(2):  # on a new connection, and on one of the pool
            await fail_in_a_session(data, database)

    assert await database.stored() == []


@each_door
async def test_what_a_listener_wrote_is_committed_with_the_session(database: Database, when: str, door: Door) -> None:
    async with listening(database, when, door) as data, data.session() as session:
        await read(session, database)

    assert await database.stored() == ["a"]


@pytest.mark.parametrize("when", ["checkout", "engine_connect", "begin"])
async def test_who_is_first_among_the_listeners_is_in_the_transaction_too(database: Database, when: str) -> None:
    async with listening(database, when, driver_execute, insert=True) as data:
        await fail_in_a_session(data, database)

    assert await database.stored() == []


@pytest.mark.parametrize("when", ["checkout", "engine_connect", "begin"])
async def test_a_session_with_options_is_asked_for_by_the_same_listeners(database: Database, when: str) -> None:
    async with listening(database, when, driver_execute) as data:
        with pytest.raises(FailureError):
            async with data.get_engine().execution_options(logging_token="own").begin() as connection:
                raise FailureError
        assert connection.closed

    assert await database.stored() == []


async def test_a_transaction_in_two_phases_has_its_listeners_sql(database: Database) -> None:
    async with listening(database, "begin_twophase", driver_execute) as data, data.get_engine().connect() as connection:
        await connection.run_sync(lambda sync: sync.begin_twophase().rollback())

    assert await database.stored() == []


async def test_a_connection_that_comes_again_after_a_loss_has_its_listeners_sql(database: Database) -> None:
    async with listening(database, "checkout", driver_execute) as data, data.get_engine().connect() as connection:
        await connection.invalidate()
        await connection.rollback()
        await connection.begin()
        await connection.rollback()

    assert await database.stored() == []


async def test_a_connection_that_nobody_begins_on_is_in_no_transaction(database: Database) -> None:
    """As with SQLAlchemy's own engine, also where a listener has asked the driver something."""

    def ask(connection: Any, _: Database) -> None:
        assert not connection.driver_connection.is_closed()

    async with listening(database, "checkout", ask) as data, data.get_engine().connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(sql(database))

    assert await database.stored() == ["a"]


async def test_what_a_session_asks_of_its_transaction_holds_behind_a_listener(database: Database) -> None:
    def ask(connection: Any, _: Database) -> None:
        assert not connection.driver_connection.is_closed()

    async with listening(database, "checkout", ask) as data:
        reading = data.get_engine().execution_options(postgresql_readonly=True)
        async with reading.connect() as connection:
            with pytest.raises(DBAPIError, match="read-only"):
                await connection.execute(database.note("b"))


async def test_in_autocommit_a_listeners_sql_stands_by_itself(database: Database) -> None:
    async with listening(database, "checkout", driver_execute, once=True, isolation_level="AUTOCOMMIT") as data:
        await fail_in_a_session(data, database)

    assert await database.stored() == ["a"]


@pytest.mark.parametrize("door", [door for door in DRIVERS_DOORS if door is not driver_cursor])  # wants a transaction
async def test_what_the_driver_is_told_when_it_connects_is_no_sessions(database: Database, door: Door) -> None:
    """Settings and codecs belong to the connection: they outlive the first session's roll back."""
    async with listening(database, "connect", door) as data:
        await fail_in_a_session(data, database)

    assert await database.stored() == ["a"]


@pytest.mark.parametrize("fails", [True, False], ids=["rolled back", "read"])
@pytest.mark.parametrize("when", ["connect", "checkout"])
async def test_a_transaction_that_a_listener_left_open_ends_with_the_session(
    database: Database, when: str, fails: bool
) -> None:
    async def begin(driver: Any) -> None:
        await driver.execute("BEGIN")
        await driver.execute(sql(database))

    async with listening(
        database, when, lambda one, _: dbapi(one).run_async(begin), isolation_level="AUTOCOMMIT"
    ) as data:
        if fails:
            await fail_in_a_session(data, database)
        else:
            async with data.session() as session:
                await read(session, database)
        pooled = await data.get_engine("main").raw_connection() if when == "connect" else None
        open_still = pooled.driver_connection.is_in_transaction() if pooled is not None else False
        if pooled is not None:
            pooled.close()

    assert not open_still
    assert await database.stored() == []
