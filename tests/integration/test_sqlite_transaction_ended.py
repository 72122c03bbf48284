"""SQLite: a transaction that the database has ended is over, by whatever API it ended (contract C16.4)."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule
from myfy_data.errors import TransactionEndedError
from tests.sqlite_ends import driver_of, ended, file_connection, items, on_thread, says, stored


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataModule]:
    """A module with one connection, whose file has the tables."""
    async with items(tmp_path) as data:
        yield data


async def fills_the_disk(session: AsyncSession) -> None:
    await session.execute(text("PRAGMA max_page_count = 20"))
    await session.execute(text("INSERT INTO big VALUES (zeroblob(1000000))"))


async def cannot_write_the_file(session: AsyncSession) -> None:
    """The system refuses to let a file of this process grow, which SQLite calls an I/O error."""
    await session.execute(text("PRAGMA cache_size = 1"))  # so that pages are written before COMMIT
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(DBAPIError, match="disk I/O error"):
            await session.execute(text("INSERT INTO big VALUES (zeroblob(4000000))"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def updates_or_rolls_back(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO item VALUES (2)"))
    await session.execute(text("UPDATE OR ROLLBACK item SET id = 3"))


async def by_the_driver(session: AsyncSession) -> None:
    await (await driver_of(session)).execute("INSERT OR ROLLBACK INTO item VALUES (1)")


async def by_a_cursor_of_the_driver(session: AsyncSession) -> None:
    await (await driver_of(session)).cursor().execute("ROLLBACK")


async def by_a_script(session: AsyncSession) -> None:
    script = "INSERT INTO item VALUES (2); ROLLBACK; INSERT INTO item VALUES (3)"
    with pytest.raises(TransactionEndedError):
        await (await driver_of(session)).executescript(script)


async def by_fetchall(session: AsyncSession) -> None:
    await (await driver_of(session)).execute_fetchall("INSERT OR ROLLBACK INTO item VALUES (1) RETURNING id")


async def by_sqlite3_itself(session: AsyncSession) -> None:
    file_connection(await driver_of(session)).execute("ROLLBACK")


async def by_the_drivers_rollback(session: AsyncSession) -> None:
    await (await driver_of(session)).rollback()


async def by_a_dbapi_cursor(session: AsyncSession) -> None:
    def work(sync: Any) -> None:
        cursor = sync.connection().connection.cursor()
        cursor.execute("INSERT OR ROLLBACK INTO item VALUES (1)")

    await session.run_sync(work)


async def in_a_savepoint(session: AsyncSession) -> None:
    async with session.begin_nested():
        await session.execute(text("INSERT INTO item VALUES (4)"))
        await session.execute(text("INSERT OR ROLLBACK INTO item VALUES (1)"))


async def with_many_rows(session: AsyncSession) -> None:
    await session.execute(text("INSERT OR ROLLBACK INTO item VALUES (:id)"), [{"id": 5}, {"id": 1}, {"id": 6}])


ROLLED_BACK = {
    "full disk": fills_the_disk,
    "I/O error": cannot_write_the_file,
    "insert or rollback": says("INSERT OR ROLLBACK INTO item VALUES (1)"),
    "update or rollback": updates_or_rolls_back,
    "on conflict rollback": says("INSERT INTO unique_item VALUES (1), (1)"),
    "trigger": says("INSERT INTO trapped VALUES (1)"),
    "rollback": says("ROLLBACK"),
    "rollback behind a comment": says("/* no */ -- never\n rollback"),
    "driver": by_the_driver,
    "cursor": by_a_cursor_of_the_driver,
    "script": by_a_script,
    "fetchall": by_fetchall,
    "sqlite3": by_sqlite3_itself,
    "rollback of the driver": by_the_drivers_rollback,
    "dbapi cursor": by_a_dbapi_cursor,
    "savepoint": in_a_savepoint,
    "many rows": with_many_rows,
}

every_end = pytest.mark.parametrize("ends", ROLLED_BACK.values(), ids=ROLLED_BACK)


@every_end
async def test_what_comes_after_the_end_is_refused(data: DataModule, ends: Any) -> None:
    async with data.session() as session:
        await ended(session, ends)
        with pytest.raises(TransactionEndedError, match="is not stored") as caught:
            await session.execute(text("INSERT INTO item VALUES (7)"))
        await session.rollback()

    assert (caught.value.profile, caught.value.committed) == ("main", False)
    assert await stored(data) == []


@every_end
async def test_a_block_whose_transaction_was_ended_does_not_end_well(data: DataModule, ends: Any) -> None:
    with pytest.raises(TransactionEndedError):
        async with data.session() as session:
            await ended(session, ends)

    assert await stored(data) == []


@every_end
async def test_after_a_roll_back_the_session_works_again(data: DataModule, ends: Any) -> None:
    async with data.session() as session:
        await ended(session, ends)
        await session.rollback()
        await session.execute(text("INSERT INTO item VALUES (8)"))

    assert await stored(data) == [8]


@pytest.mark.parametrize("statement", ["COMMIT", "END TRANSACTION", ";commit"])
async def test_a_statement_that_commits_ends_the_session_too(data: DataModule, statement: str) -> None:
    with pytest.raises(TransactionEndedError) as caught:
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            await session.execute(text(statement))

    assert caught.value.committed
    assert await stored(data) == [1]


async def test_a_commit_of_the_driver_ends_the_session_too(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("INSERT INTO item VALUES (1)"))
        await (await driver_of(session)).commit()
        with pytest.raises(TransactionEndedError) as caught:
            await session.execute(text("INSERT INTO item VALUES (2)"))
        await session.rollback()

    assert caught.value.committed
    assert await stored(data) == [1]


async def test_what_an_end_past_every_door_has_stored_is_not_known(data: DataModule) -> None:
    """`with connection` of sqlite3 calls neither of its own methods; an error in it rolls back."""
    with pytest.raises(TransactionEndedError, match="may be stored or not") as caught:
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            with suppress(ValueError), file_connection(await driver_of(session)):
                raise ValueError

    assert caught.value.committed is None
    assert await stored(data) == []


async def refused(work: Awaitable[object]) -> bool:
    with suppress(TransactionEndedError):
        await work
        return False
    return True


async def test_every_door_is_closed_behind_the_end(data: DataModule) -> None:
    async with data.session() as session:
        driver = await driver_of(session)
        reading = await driver.execute("SELECT 1 UNION SELECT 2")
        blob = "INSERT INTO big VALUES (zeroblob(10))"
        await ended(session, says("ROLLBACK"))

        def dbapi(sync: Any) -> None:
            sync.connection().connection.cursor().execute("INSERT INTO item VALUES (9)")

        async def of_sqlite3() -> None:
            file_connection(driver).execute("INSERT INTO item VALUES (9)")

        async def of_a_cursor_of_sqlite3() -> None:
            file_connection(driver).cursor().executemany("INSERT INTO item VALUES (?)", [(9,)])

        doors = {
            "session": session.execute(text("SELECT 1")),
            "stream": session.stream(text("SELECT 1")),
            "begin": session.execute(text("BEGIN")),
            "savepoint": in_a_savepoint(session),
            "driver": driver.execute(blob),
            "executemany": driver.executemany("INSERT INTO item VALUES (?)", [(9,)]),
            "executescript": driver.executescript("INSERT INTO item VALUES (9); INSERT INTO item VALUES (10)"),
            "cursor": driver.cursor().execute(blob),
            "fetchall": driver.execute_fetchall(blob),
            "insert": driver.execute_insert(blob),
            "dbapi": session.run_sync(dbapi),
            "sqlite3": of_sqlite3(),
            "cursor of sqlite3": of_a_cursor_of_sqlite3(),
            "blob": on_thread(driver, lambda: file_connection(driver).blobopen("big", "content", 1)),
        }
        answers = {name: await refused(work) for name, work in doors.items()}
        await reading.close()
        await session.rollback()

    assert answers == dict.fromkeys(doors, True)
    assert await stored(data) == []


async def test_the_error_that_ended_it_is_the_cause(data: DataModule) -> None:
    async with data.session() as session:
        await ended(session, says("INSERT INTO trapped VALUES (1)"))
        with pytest.raises(TransactionEndedError, match="no; never") as caught:
            await session.commit()

    assert str(caught.value.__cause__) == "no; never"
