"""A transaction that PostgreSQL has ended is over: nothing goes out until it is rolled back (contract C16.4)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.engines.connect.backend import MAY_END_TRANSACTION
from myfy_data.errors import TransactionEndedError
from myfy_data.sessions.commit_outcome import Outcome
from tests.databases import SERVERS, Database
from tests.integration.test_postgresql_doors import DOORS, Door, driver
from tests.integration.test_round_trips import read

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)


async def end_by_text(session: AsyncSession, sql: str) -> None:
    await session.execute(text(sql))


async def end_by_driver(session: AsyncSession, sql: str) -> None:
    await (await driver(session)).execute(sql)


async def end_by_cursor(session: AsyncSession, sql: str) -> None:
    def run(connection: Any) -> None:
        connection.connection.cursor().execute(sql)

    await (await session.connection()).run_sync(run)


async def end_by_driver_sql(session: AsyncSession, sql: str) -> None:
    await (await session.connection()).exec_driver_sql(sql)


ENDS = [end_by_text, end_by_driver, end_by_cursor, end_by_driver_sql]
KEPT = ["COMMIT", "commit;", "END", "COMMIT AND CHAIN"]
LOST = ["ROLLBACK", "ABORT", "ROLLBACK AND CHAIN"]
IN_ONE_TEXT = ["COMMIT; SELECT 1", "COMMIT; BEGIN", "ROLLBACK; START TRANSACTION", "SELECT 1; COMMIT; BEGIN; SELECT 2"]


async def store(session: AsyncSession, database: Database, note: str = "a") -> None:
    await session.execute(database.note(note))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("sql", [*KEPT, *LOST])
async def test_a_block_that_goes_on_behind_the_end_fails(database: Database, end: Any, sql: str) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError) as caught:
            async with data.session() as session:
                await store(session, database)
                await end(session, sql)
                await store(session, database, "b")

    assert caught.value.committed == (sql in KEPT)
    assert await database.stored() == (["a"] if sql in KEPT else [])


@pytest.mark.parametrize("end", ENDS)
async def test_a_block_that_swallows_a_failed_statement_is_told_that_nothing_is_stored(
    database: Database, end: Any
) -> None:
    """The server answers COMMIT with ROLLBACK, and no error."""
    async with database.module(pool_size=1, max_overflow=0) as data:
        with pytest.raises(TransactionEndedError, match="a statement in it failed, so COMMIT rolled it back") as caught:
            async with data.session() as session:
                await store(session, database)
                with contextlib.suppress(Exception):
                    await end(session, "SELECT 1/0")
        async with data.session() as session:
            await store(session, database, "b")

    assert not caught.value.committed
    assert await database.stored() == ["b"]


async def test_a_failed_statement_behind_a_savepoint_is_no_failed_transaction(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        await store(session, database)
        with contextlib.suppress(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("SELECT 1/0"))

    assert await database.stored() == ["a"]


@pytest.mark.parametrize("sql", IN_ONE_TEXT)
async def test_the_end_is_noticed_among_other_statements_of_one_text(database: Database, sql: str) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError, match="may be stored or not") as caught:
            async with data.session() as session:
                await store(session, database)
                await end_by_driver(session, sql)
                await store(session, database, "b")

    assert caught.value.committed is None
    assert "b" not in await database.stored()


@pytest.mark.parametrize("end", ENDS)
async def test_a_literal_commit_that_is_refused_has_stored_nothing(database: Database, end: Any) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError, match="is not stored") as caught:
            async with data.session() as session:
                await store(session, database)
                await session.execute(database.orphan())
                with pytest.raises(Exception, match="foreign key"):
                    await end(session, "COMMIT")
                await store(session, database, "b")

    assert caught.value.committed is False
    assert await database.stored() == []


@pytest.mark.parametrize("sql", ["COMMIT", "ROLLBACK"])
async def test_a_block_never_ends_well_behind_the_end(database: Database, sql: str) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError):
            async with data.session() as session:
                await store(session, database)
                await end_by_text(session, sql)


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_is_closed_behind_the_end(database: Database, door: Door) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError):
            async with data.session() as session:
                await store(session, database, "before")
                await end_by_text(session, "ROLLBACK")
                await door(session, database)

    assert await database.stored() == []


async def test_a_plain_read_is_refused_as_well(database: Database) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError):
            async with data.session() as session:
                await store(session, database)
                await end_by_text(session, "COMMIT")
                await read(session, database)


async def test_behind_a_roll_back_the_session_begins_anew(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        async with data.session() as session:
            await store(session, database)
            await end_by_text(session, "ROLLBACK")
            await session.rollback()
            await store(session, database, "b")
        async with data.session() as session:
            await store(session, database, "c")

    assert await database.stored() == ["b", "c"]


async def test_what_was_begun_behind_the_end_is_rolled_back_too(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        with pytest.raises(TransactionEndedError):
            async with data.session() as session:
                await end_by_driver(session, f"COMMIT; BEGIN; INSERT INTO {database.notes.name} (text) VALUES ('a')")
        async with data.session() as session:
            await store(session, database, "b")

    assert await database.stored() == ["b"]


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN PERFORM 1; END $$",
        "SAVEPOINT one; ROLLBACK TO one; RELEASE one",
        "SELECT 'commit, begin'",
        "CREATE FUNCTION pg_temp.one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
        "BEGIN",
    ],
)
async def test_what_only_looks_like_an_end_is_none(database: Database, sql: str) -> None:
    async with database.module() as data, data.session() as session:
        await store(session, database)
        await end_by_driver(session, sql)
        await store(session, database, "b")

    assert await database.stored() == ["a", "b"]


async def test_a_procedure_cannot_end_it(database: Database) -> None:
    name = database.notes.name
    body = f"BEGIN INSERT INTO {name} (text) VALUES ('a'); COMMIT; END"
    await database.run(f"CREATE PROCEDURE {name}_end() LANGUAGE plpgsql AS $$ {body} $$")
    async with database.module() as data:
        with pytest.raises(Exception, match="invalid transaction termination"):
            async with data.session() as session:
                await session.execute(text(f"CALL {name}_end()"))
    await database.run(f"DROP PROCEDURE {name}_end")

    assert await database.stored() == []


async def test_an_error_inside_a_savepoint_is_no_end(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        await store(session, database)
        with pytest.raises(Exception, match="division by zero"):
            async with session.begin_nested():
                await session.execute(text("SELECT 1 / 0"))
        await store(session, database, "b")

    assert await database.stored() == ["a", "b"]


async def test_a_connection_of_ones_own_is_refused_as_well(database: Database) -> None:
    async with database.module() as data, data.get_engine().connect() as connection:
        await connection.execute(text("COMMIT"))
        with pytest.raises(TransactionEndedError):
            await connection.execute(database.note("a"))
        await connection.rollback()
        await connection.execute(database.note("b"))
        await connection.commit()

    assert await database.stored() == ["b"]


@pytest.mark.parametrize("where", ["the connection", "the profile"])
async def test_where_it_is_allowed_statements_may_end_it(database: Database, where: str) -> None:
    allowed: dict[str, Any] = {MAY_END_TRANSACTION: True}
    settings = {"execution_options": allowed} if where == "the profile" else {}
    async with database.module(pool_size=1, **settings) as data:
        async with data.get_engine().connect() as connection:
            if where == "the connection":
                await connection.execution_options(**allowed)
            await connection.execute(text("COMMIT"))
            await connection.execute(database.note("a"))
            await connection.commit()
        assert await database.stored() == ["a"]
        await refuse_again(data, database, is_allowed=where == "the profile")


async def refuse_again(data: DataModule, database: Database, *, is_allowed: bool) -> None:
    if is_allowed:
        return
    with pytest.raises(TransactionEndedError):
        async with data.session() as session:
            await end_by_text(session, "COMMIT")
            await store(session, database, "b")


async def test_in_autocommit_a_transaction_of_the_users_own_is_theirs(database: Database) -> None:
    async with database.module(isolation_level="AUTOCOMMIT") as data, data.session() as session:
        connection = await driver(session)
        await connection.execute("BEGIN")
        await store(session, database)
        await connection.execute("COMMIT")
        await store(session, database, "b")

    assert await database.stored() == ["a", "b"]


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
async def test_a_commit_is_not_sent_where_the_server_has_no_transaction(database: Database, end: str) -> None:
    """Whatever ended it, and went past the gate: the server says with each answer whether one is open."""
    async with database.module() as data:
        with pytest.raises(TransactionEndedError, match="has no transaction any more") as caught:
            async with data.session() as session:
                await store(session, database)
                await (await driver(session))._protocol.send(end)

    assert (caught.value.committed, session.outcome) == (None, Outcome.UNKNOWN)
    assert await database.stored() == (["a"] if end == "COMMIT" else [])


@pytest.mark.parametrize("behind", [[], ["SELECT 1"], ["BEGIN"]])
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN"])
async def test_an_end_that_was_prepared_and_is_executed_is_noticed(
    database: Database, end: str, behind: list[str]
) -> None:
    async with database.module() as data:
        with pytest.raises(TransactionEndedError) as caught:
            async with data.session() as session:
                await store(session, database)
                _kept = await (await driver(session)).prepare(end, name="fin")
                for sql in ["EXECUTE fin", *behind]:
                    await session.execute(text(sql))
                await store(session, database, "b")

    assert caught.value.committed == (end != "ROLLBACK")
    assert await database.stored() == (["a"] if end != "ROLLBACK" else [])
