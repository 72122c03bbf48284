"""SQLite: what belongs to a transaction, and which callers are told that the database has ended it (contract C16.4)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.connect.backend import MAY_END_TRANSACTION
from myfy_data.errors import TransactionEndedError
from tests.asyncio_servers import PATIENCE
from tests.sqlite_ends import driver_of, ended, items, run_out, says, stored
from tests.sqlite_files import SLOW


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataModule]:
    """A module with one connection, whose file has the tables."""
    async with items(tmp_path) as data:
        yield data


async def test_a_script_stands_in_the_transaction(data: DataModule) -> None:
    """sqlite3 commits what is open before it runs a script."""
    with pytest.raises(LookupError):
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            await (await driver_of(session)).executescript(
                "INSERT INTO item VALUES (2); -- ;\n INSERT INTO big VALUES ('a;b'); INSERT INTO item VALUES (3) -- end"
            )
            raise LookupError

    assert await stored(data) == []


async def test_a_script_outside_of_a_transaction_is_sqlite3s(data: DataModule) -> None:
    async with data.session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        await (await driver_of(session)).executescript("BEGIN; INSERT INTO item VALUES (1); COMMIT;")

    assert await stored(data) == [1]


async def test_a_write_that_was_interrupted_has_ended_its_transaction(data: DataModule) -> None:
    started, loop = asyncio.Event(), asyncio.get_running_loop()

    async def write() -> None:
        async with data.session() as session:
            driver = await driver_of(session)
            drivers.append(driver)
            await driver.create_function("started", 0, lambda: int(bool(loop.call_soon_threadsafe(started.set))))
            await ended(session, says(f"INSERT INTO item {SLOW.replace('SELECT 1 ', 'SELECT started() ', 1)}"))

    drivers: list[Any] = []
    task = asyncio.create_task(write())
    await started.wait()
    run_out(drivers[0])
    with pytest.raises(TransactionEndedError):
        await task

    assert await stored(data) == []


IO_ERROR = """
import asyncio, resource, signal, sys
from sqlalchemy import text
from myfy_data import DatabaseSettings, DataModule
from myfy_data.errors import TransactionEndedError

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main(url):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with DataModule(settings=DatabaseSettings(database_url=url)) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE item (content)"))
        try:
            async with data.session() as session:
                await session.execute(text("PRAGMA cache_size = 2"))
                await session.execute(text("INSERT INTO item VALUES (1)"))
                limit(60000)
                try:
                    await session.execute(text("INSERT INTO item VALUES (zeroblob(1000000))"))
                except Exception as error:
                    print(error.orig.sqlite_errorname[:12])
                limit(resource.RLIM_INFINITY)
                await session.execute(text("INSERT INTO item VALUES (2)"))
        except TransactionEndedError as error:
            print(error.committed)
        async with data.session(read_only=True) as session:
            print(await session.scalar(text("SELECT count(*) FROM item")))

asyncio.run(main(sys.argv[1]))
"""


def test_a_file_that_cannot_be_written_ends_the_transaction(tmp_path: Path) -> None:
    """In a process of its own, which may not make files larger: SQLite meets an I/O error."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", IO_ERROR, f"sqlite:///{tmp_path}/app.db"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["SQLITE_IOERR", "False", "0"], done.stderr


async def test_a_reader_whose_snapshot_was_ended_is_told(data: DataModule) -> None:
    async with data.session(read_only=True) as session:
        await session.execute(text("SELECT 1"))
        await session.execute(text("COMMIT"))
        with pytest.raises(TransactionEndedError):
            await session.execute(text("SELECT 1"))
        await session.rollback()


async def test_a_driver_that_commits_before_a_readers_first_statement_ends_it_not(data: DataModule) -> None:
    """Nothing has begun, so nothing is over: the snapshot begins with the first statement."""
    async with data.session(read_only=True) as session:
        driver = await driver_of(session)
        await driver.commit()
        await session.execute(text("SELECT id FROM item"))

        assert driver.in_transaction


async def test_the_turn_is_given_back(data: DataModule, tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db", pool_timeout=PATIENCE)
    async with DataModule(settings=settings) as other, data.session() as session:
        await ended(session, says("INSERT OR ROLLBACK INTO item VALUES (1)"))
        await session.rollback()
        async with other.session() as writer:
            await writer.execute(text("INSERT INTO item VALUES (10)"))

    assert await stored(data) == [10]


async def test_the_next_session_knows_nothing_of_it(data: DataModule) -> None:
    with pytest.raises(TransactionEndedError):
        async with data.session() as session:
            await ended(session, says("ROLLBACK"))
    async with data.session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        await session.execute(text("INSERT INTO item VALUES (11)"))

    assert await stored(data) == [11]


async def test_a_commit_on_a_connection_that_was_closed_is_refused(tmp_path: Path) -> None:
    """SQLAlchemy's adapter takes a COMMIT on a closed connection for done."""
    data = DataModule(settings=DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db"))
    await data.start()
    async with data.session() as session:
        await session.execute(text("CREATE TABLE item (id INTEGER)"))
    session = data.get_session_factory().create_session()
    await session.execute(text("INSERT INTO item VALUES (1)"))
    await data.stop()

    with pytest.raises(TransactionEndedError, match="closed"):
        await session.commit()
    await session.close()


async def test_in_autocommit_transactions_are_the_users(data: DataModule) -> None:
    async with data.session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        for statement in ("BEGIN", "INSERT INTO item VALUES (1)", "COMMIT", "INSERT INTO item VALUES (2)"):
            await session.execute(text(statement))

    assert await stored(data) == [1, 2]


async def test_a_connection_may_be_told_that_its_statements_end_transactions(data: DataModule) -> None:
    """Migrations are: a batch of Alembic's may COMMIT and set a pragma."""
    async with data.session() as session:
        await session.connection(execution_options={MAY_END_TRANSACTION: True})
        for statement in ("INSERT INTO item VALUES (1)", "COMMIT", "INSERT INTO item VALUES (2)"):
            await session.execute(text(statement))

    assert await stored(data) == [1, 2]
    with pytest.raises(TransactionEndedError):
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (3)"))
            await session.execute(text("COMMIT"))


async def test_sqlalchemys_recipe_for_savepoints_does_no_harm(tmp_path: Path) -> None:
    """A listener of its own begins a transaction before ours."""
    opened: list[Any] = []

    def recipe(_profile: str, engine: Any) -> None:
        opened.append(engine)
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db")
    async with DataModule(settings=settings, on_engine=recipe) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE item (id INTEGER)"))
        async with data.session() as session:
            await session.execute(text("INSERT INTO item VALUES (1)"))
            with suppress(LookupError):
                async with session.begin_nested():
                    await session.execute(text("INSERT INTO item VALUES (2)"))
                    raise LookupError
        with suppress(LookupError):
            async with data.session() as session:
                await session.execute(text("INSERT INTO item VALUES (3)"))
                raise LookupError

        assert opened
        assert await stored(data) == [1]


async def test_two_tasks_hear_of_their_own_end_only(tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db", pool_timeout=PATIENCE)
    async with DataModule(settings=settings) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE item (id INTEGER)"))

        async def write(number: int) -> None:
            async with data.session() as session:
                await session.execute(text("INSERT INTO item VALUES (:id)"), {"id": number})
                if number % 2:
                    await session.execute(text("ROLLBACK"))

        results = await asyncio.gather(*(write(number) for number in range(6)), return_exceptions=True)

        assert [type(result) for result in results] == [type(None), TransactionEndedError] * 3
        assert sorted(await stored(data)) == [0, 2, 4]
