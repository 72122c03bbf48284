"""A transaction that MySQL has ended is over: nothing is stored behind it, and no block ends well (contract C16.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.engines.connect.backend import MAY_END_TRANSACTION
from myfy_data.errors import TransactionEndedError
from tests.databases import Database

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

COMMITTING = [
    "COMMIT",
    "START TRANSACTION",
    "BEGIN",
    "COMMIT AND CHAIN",
    "SET autocommit = 1",
    "CREATE TABLE IF NOT EXISTS {0} (id INT)",
    "CREATE OR REPLACE VIEW {0}_view AS SELECT 1 AS one",
    "TRUNCATE TABLE {0}",
    "ALTER TABLE {0} COMMENT 'x'",
    "ANALYZE TABLE {0}",
    "/* a comment */ COMMIT",
]
ROLLING_BACK = ["ROLLBACK", "ROLLBACK AND CHAIN"]

Door = Callable[[AsyncSession, str], Awaitable[Any]]


async def by_text(session: AsyncSession, sql: str) -> None:
    await session.execute(text(sql))


async def by_driver_sql(session: AsyncSession, sql: str) -> None:
    await (await session.connection()).exec_driver_sql(sql)


async def by_driver(session: AsyncSession, sql: str) -> None:
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    async with driver.cursor() as cursor:
        await cursor.execute(sql)


async def by_dbapi_cursor(session: AsyncSession, sql: str) -> None:
    def run(connection: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(sql)
        cursor.close()

    await (await session.connection()).run_sync(run)


async def in_a_savepoint(session: AsyncSession, sql: str) -> None:
    with suppress(TransactionEndedError):  # RELEASE SAVEPOINT is refused as well
        async with session.begin_nested():
            await session.execute(text(sql))


DOORS = [by_text, by_driver_sql, by_driver, by_dbapi_cursor, in_a_savepoint]


@pytest.fixture
async def other(database: Database) -> Any:
    """A second table, for statements that end a transaction by what they do to it."""
    name = f"other_{database.notes.name}"
    await database.run(f"CREATE TABLE {name} (id INT)")
    yield name
    await database.run(f"DROP TABLE {name}", f"DROP VIEW IF EXISTS {name}_view")


@on_mysql
@pytest.mark.parametrize("sql", [*COMMITTING, *ROLLING_BACK])
async def test_what_comes_behind_the_end_is_refused_and_not_stored(
    database: Database, other: str, narrow: DataModule, sql: str
) -> None:
    with pytest.raises(TransactionEndedError) as caught:
        async with narrow.session() as session:
            await session.execute(database.note("before"))
            await session.execute(text(sql.format(other)))
            await session.execute(database.note("behind"))

    assert caught.value.committed == (sql in COMMITTING)
    assert await database.stored() == (["before"] if caught.value.committed else [])
    async with narrow.session() as session:  # the next user of the connection has one of its own
        await session.execute(database.note("next"))
        await session.rollback()
        await session.execute(database.note("then"))
    assert "then" in await database.stored()
    assert "next" not in await database.stored()


@on_mysql
async def test_locked_tables_end_it_as_well(database: Database, other: str, narrow: DataModule) -> None:
    with pytest.raises(TransactionEndedError, match="LOCK ended it"):
        async with narrow.session() as session:
            await session.execute(database.note("before"))
            await session.execute(text(f"LOCK TABLES {database.notes.name} WRITE, {other} WRITE"))
            await session.execute(database.note("behind"))

    async with narrow.session() as session:
        await session.execute(text("UNLOCK TABLES"))  # they outlast a ROLLBACK
    assert await database.stored() == ["before"]


@on_mysql
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sql", ["COMMIT", "ROLLBACK", "START TRANSACTION"])
async def test_by_whatever_door_the_end_came(database: Database, narrow: DataModule, door: Door, sql: str) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.session() as session:
            await session.execute(database.note("before"))
            await door(session, sql)
            await session.execute(database.note("behind"))

    assert "behind" not in await database.stored()


@on_mysql
@pytest.mark.parametrize("door", DOORS[:-1])
async def test_by_whatever_door_the_next_statement_comes(database: Database, narrow: DataModule, door: Door) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.session() as session:
            await session.execute(database.note("before"))
            await session.execute(text("ROLLBACK"))
            await door(session, f"INSERT INTO {database.notes.name} (text) VALUES ('behind')")

    assert await database.stored() == []


@on_mysql
async def test_neither_a_commit_nor_a_savepoint_nor_a_read_ends_well(database: Database, narrow: DataModule) -> None:
    async with narrow.session() as session:
        await session.execute(database.note("before"))
        await session.execute(text("ROLLBACK"))

        with pytest.raises(TransactionEndedError):
            await session.commit()
        await session.rollback()
        await session.execute(database.note("before"))
        await session.execute(text("ROLLBACK"))
        with pytest.raises(TransactionEndedError):
            await database.texts(session)
        with pytest.raises(TransactionEndedError):
            async with session.begin_nested():
                await session.execute(database.note("behind"))
        await session.rollback()
        await session.execute(database.note("anew"))

    assert await database.stored() == ["anew"]


@on_mysql
async def test_the_end_of_a_block_without_another_statement_is_refused_too(
    database: Database, narrow: DataModule
) -> None:
    with pytest.raises(TransactionEndedError, match="COMMIT ended it; what came before it is stored"):
        async with narrow.session() as session, session.begin():
            await session.execute(database.note("before"))
            await session.execute(text("COMMIT"))


@on_mysql
async def test_an_engines_own_block_is_no_exception(database: Database, narrow: DataModule) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.get_engine().begin() as connection:
            await connection.execute(database.note("before"))
            await connection.execute(text("ROLLBACK"))
            await connection.execute(database.note("behind"))

    assert await database.stored() == []


# -- deadlocks -----------------------------------------------------------------------------------------------------


async def lose_a_deadlock(database: Database, data: DataModule, session: AsyncSession) -> None:
    """Run into a deadlock in which the session, whose work weighs less, is the victim."""
    change = f"UPDATE {database.notes.name} SET text = '{{}}' WHERE id = {{}}"
    heavy = ", ".join(f"('heavy{number}')" for number in range(40))
    locked = asyncio.Event()

    async def survive() -> None:
        async with data.session() as rival:
            await rival.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES {heavy}"))
            await rival.execute(text(change.format("b2", 2)))
            locked.set()
            await rival.execute(text(change.format("a2", 1)))

    await session.execute(text(change.format("a1", 1)))
    surviving = asyncio.create_task(survive())
    try:
        await locked.wait()
        await session.execute(text(change.format("b1", 2)))
    finally:
        await surviving


async def seed(database: Database) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (id, text) VALUES (1, 'a'), (2, 'b')")


async def light(database: Database) -> list[str]:
    return [note for note in await database.stored() if not note.startswith("heavy")]


@on_mysql
@pytest.mark.parametrize("nested", [False, True])
async def test_a_deadlock_takes_all_of_its_unit(database: Database, data: DataModule, *, nested: bool) -> None:
    await seed(database)

    with pytest.raises(TransactionEndedError, match="error 1213") as caught:
        async with data.session() as session:
            await session.execute(database.note("before"))
            with suppress(DBAPIError, TransactionEndedError):
                if nested:
                    async with session.begin_nested():
                        await lose_a_deadlock(database, data, session)
                else:
                    await lose_a_deadlock(database, data, session)
            await session.execute(database.note("behind"))

    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.args[0] == 1213
    assert await light(database) == ["a2", "b2"]


@on_mysql
async def test_a_deadlock_that_was_swallowed_fails_the_commit(database: Database, data: DataModule) -> None:
    await seed(database)

    with pytest.raises(TransactionEndedError):
        async with data.session() as session:
            await session.execute(database.note("before"))
            with suppress(DBAPIError):
                await lose_a_deadlock(database, data, session)

    assert await light(database) == ["a2", "b2"]


# -- what goes on as ever --------------------------------------------------------------------------------------------


@on_mysql
async def test_an_error_that_ends_nothing_is_got_over(database: Database, narrow: DataModule) -> None:
    async with narrow.session() as session:
        await session.execute(database.note("a"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(database.note("a"))
        await session.execute(database.note("b"))
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT nothing FROM nowhere"))
        await session.execute(database.note("c"))

    assert await database.stored() == ["a", "b", "c"]


@on_mysql
async def test_ddl_without_work_before_it_ends_nothing(database: Database, other: str, narrow: DataModule) -> None:
    async with narrow.session() as session:
        await database.texts(session)
        connection = await session.connection()
        await connection.run_sync(database.metadata.create_all)
        await session.execute(text(f"CREATE OR REPLACE VIEW {other}_view AS SELECT 1 AS one"))
        await session.execute(text(f"TRUNCATE TABLE {other}"))
        await session.execute(database.note("behind"))

    assert await database.stored() == ["behind"]


@on_mysql
async def test_ddl_that_fails_has_committed_before(database: Database, other: str, narrow: DataModule) -> None:
    with pytest.raises(TransactionEndedError, match="CREATE ended it; what came before it is stored"):
        async with narrow.session() as session:
            await session.execute(database.note("before"))
            with pytest.raises(DBAPIError, match="1050"):
                await session.execute(text(f"CREATE TABLE {other} (id INT)"))
            await session.execute(database.note("behind"))

    assert await database.stored() == ["before"]


@on_mysql
async def test_tables_that_are_missing_are_made_behind_a_read(database: Database, narrow: DataModule) -> None:
    metadata = MetaData()
    tables = [Table(f"{name}_{database.notes.name}", metadata, Column("id", Integer)) for name in ("x", "y")]
    async with narrow.session() as session:
        await database.texts(session)
        connection = await session.connection()
        await connection.run_sync(metadata.create_all)
        await session.execute(insert(tables[1]).values(id=1))

    assert await database.run(f"SELECT id FROM {tables[1].name}") == [(1,)]
    await database.run(*(f"DROP TABLE {table.name}" for table in tables))


@on_mysql
async def test_a_temporary_table_ends_nothing(database: Database, narrow: DataModule) -> None:
    async with narrow.session() as session:
        await session.execute(database.note("before"))
        await session.execute(text(f"CREATE TEMPORARY TABLE temporary_{database.notes.name} (id INT)"))
        await session.execute(database.note("behind"))
        await session.execute(text(f"DROP TEMPORARY TABLE temporary_{database.notes.name}"))

    assert await database.stored() == ["before", "behind"]


@on_mysql
async def test_a_lock_that_ddl_let_go_is_work(database: Database, other: str, narrow: DataModule) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.session() as session:
            await session.execute(select(database.notes).with_for_update())
            await session.execute(text(f"TRUNCATE TABLE {other}"))
            await session.execute(database.note("behind"))

    assert await database.stored() == []


@on_mysql
async def test_a_connection_that_may_end_its_transaction_does(
    database: Database, other: str, narrow: DataModule
) -> None:
    engine = narrow.get_engine().execution_options(**{MAY_END_TRANSACTION: True})
    async with engine.begin() as connection:
        await connection.execute(database.note("before"))
        await connection.execute(text(f"TRUNCATE TABLE {other}"))
        await connection.execute(database.note("behind"))
    assert await database.stored() == ["before", "behind"]

    with pytest.raises(TransactionEndedError):  # the next user of the same connection may not
        async with narrow.session() as session:
            await session.execute(database.note("more"))
            await session.execute(text(f"TRUNCATE TABLE {other}"))
            await session.execute(database.note("lost"))


@on_mysql
async def test_in_autocommit_transactions_are_the_users_own(database: Database) -> None:
    async with database.module(isolation_level="AUTOCOMMIT", pool_size=1) as data, data.session() as session:
        await session.execute(text("BEGIN"))
        await session.execute(database.note("a"))
        await session.execute(text("COMMIT"))
        await session.execute(database.note("b"))

    assert await database.stored() == ["a", "b"]


@on_mysql
async def test_sqlalchemys_two_phases_end_it_themselves(database: Database, narrow: DataModule) -> None:
    async with narrow.get_engine().connect() as connection:
        transaction = await connection.run_sync(lambda sync: sync.begin_twophase())
        await connection.execute(database.note("a"))
        await connection.run_sync(lambda _: transaction.prepare())
        await connection.run_sync(lambda _: transaction.commit())
        await connection.execute(database.note("b"))
        await connection.commit()

    assert await database.stored() == ["a", "b"]


@on_mysql
async def test_a_listener_that_sends_sql_at_checkout_is_no_unit_of_work(database: Database) -> None:
    async with database.module(pool_size=1) as data:

        def look(dbapi_connection: Any, *_: Any) -> None:
            cursor = dbapi_connection.cursor()
            cursor.execute(f"SELECT COUNT(*) FROM {database.notes.name}")
            cursor.close()

        event.listen(data.get_engine().sync_engine, "checkout", look)
        for note in ("a", "b"):
            async with data.session() as session:
                await session.execute(database.note(note))

    assert await database.stored() == ["a", "b"]
