"""A session whose database has ended the transaction: over for each of its methods until it is rolled back (C16.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule, TransactionEndedError, retrying
from myfy_data.sessions.unit_of_work import UnitOfWork
from tests.databases import PERSISTENT, Database

on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
ENDINGS = pytest.mark.parametrize("ending", ["ROLLBACK", "COMMIT"])

STORED = {"ROLLBACK": [], "COMMIT": ["before"]}
"""What is in the database when a session has written `before`, was ended, and was refused everything else."""


async def ended(session: AsyncSession, database: Database, ending: str) -> None:
    """Write a note, and end the transaction behind SQLAlchemy's back."""
    await session.execute(database.note("before"))
    await session.execute(text(ending))


async def statement(session: AsyncSession, database: Database) -> None:
    await session.execute(database.note("after"))


async def read(session: AsyncSession, database: Database) -> None:
    await database.texts(session)


async def flush(session: AsyncSession, database: Database) -> None:
    session.add(database.mapped()(text="after"))
    await session.flush()


async def savepoint(session: AsyncSession, database: Database) -> None:
    async with session.begin_nested():
        await session.execute(database.note("after"))


async def commit(session: AsyncSession, _: Database) -> None:
    await session.commit()


async def commit_with_a_flush(session: AsyncSession, database: Database) -> None:
    session.add(database.mapped()(text="after"))
    await session.commit()


async def stream(session: AsyncSession, database: Database) -> None:
    async for _ in await session.stream(database.notes.select()):
        pass


async def synchronous(session: AsyncSession, database: Database) -> None:
    await session.run_sync(lambda sync: sync.execute(database.note("after")))


async def drivers_cursor(session: AsyncSession, database: Database) -> None:
    connection = await session.connection()
    await connection.exec_driver_sql(f"DELETE FROM {database.notes.name}")


Door = Callable[[AsyncSession, Database], Awaitable[None]]
DOORS = pytest.mark.parametrize(
    "door",
    [statement, read, flush, savepoint, commit, commit_with_a_flush, stream, synchronous, drivers_cursor],
)


@DOORS
@ENDINGS
@on_persistent
async def test_it_refuses_everything(narrow: DataModule, database: Database, ending: str, door: Door) -> None:
    async with narrow.get_session_factory().create_session() as session:
        await ended(session, database, ending)
        with pytest.raises(TransactionEndedError) as caught:
            await door(session, database)

    assert (caught.value.profile, caught.value.committed) == ("main", ending == "COMMIT")
    assert await database.stored() == STORED[ending]


@DOORS
@ENDINGS
@on_persistent
async def test_a_roll_back_makes_it_usable_again(
    narrow: DataModule, database: Database, ending: str, door: Door
) -> None:
    async with narrow.get_session_factory().create_session() as session:
        await ended(session, database, ending)
        with pytest.raises(TransactionEndedError):
            await door(session, database)
        await session.rollback()
        await session.execute(database.note("anew"))
        await session.commit()

    assert await database.stored() == sorted([*STORED[ending], "anew"])


@ENDINGS
@on_persistent
async def test_what_is_swallowed_is_told_again(narrow: DataModule, database: Database, ending: str) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.session() as session:
            await ended(session, database, ending)
            for _ in range(3):
                with pytest.raises(TransactionEndedError):
                    await session.execute(database.note("after"))

    assert await database.stored() == STORED[ending]


@ENDINGS
@on_persistent
async def test_no_block_ends_well(narrow: DataModule, database: Database, ending: str) -> None:
    async def begin_block() -> None:
        async with narrow.get_session_factory().create_session() as session, session.begin():
            await ended(session, database, ending)

    async def session_block() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("more"))
            await ended(session, database, ending)

    async def maker_block() -> None:
        async with narrow.get_session_factory().begin() as session:
            await session.execute(database.note("most"))
            await ended(session, database, ending)

    for block in (begin_block, session_block, maker_block):
        await database.run(f"DELETE FROM {database.notes.name}")
        with pytest.raises(TransactionEndedError):
            await block()

    assert narrow.pool_status().checked_out == 0
    assert ("before" in await database.stored()) is (ending == "COMMIT")


@on_persistent
async def test_a_savepoint_does_not_end_well(narrow: DataModule, database: Database) -> None:
    async with narrow.get_session_factory().create_session() as session:
        with pytest.raises(TransactionEndedError):
            async with session.begin_nested():
                await ended(session, database, "ROLLBACK")
        with pytest.raises(TransactionEndedError):
            await session.execute(database.note("after"))

    assert await database.stored() == []


@on_persistent
async def test_the_next_session_on_the_connection_knows_nothing_of_it(narrow: DataModule, database: Database) -> None:
    with pytest.raises(TransactionEndedError):
        async with narrow.session() as session:
            await ended(session, database, "ROLLBACK")
    async with narrow.session() as session:
        await session.execute(database.note("anew"))

    assert await database.stored() == ["anew"]


@ENDINGS
@on_persistent
async def test_the_log_says_what_is_stored(
    narrow: DataModule, database: Database, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    unit = UnitOfWork()
    await ended(unit.session(narrow.get_session_factory()), database, ending)

    with pytest.raises(TransactionEndedError):
        await unit.commit()

    told = {
        "ROLLBACK": "was not committed, the database had ended its transaction (profiles 'main')",
        "COMMIT": "is stored up to where the database ended its transaction (profiles 'main')",
    }
    [message] = [message for message in caplog.messages if "of a request" in message]
    assert told[ending] in message
    assert narrow.pool_status().checked_out == 0


@ENDINGS
@on_persistent
async def test_it_is_not_repeated(narrow: DataModule, database: Database, ending: str) -> None:
    runs = 0
    with pytest.raises(TransactionEndedError):
        async for attempt in retrying(narrow):
            async with attempt as session:
                runs += 1
                await ended(session, database, ending)

    assert runs == 1
