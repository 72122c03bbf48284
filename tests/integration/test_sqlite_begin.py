"""How SQLite's transactions begin: options of a connection, and which waiter leaves the queue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS
from tests.asyncio_servers import PATIENCE
from tests.sandbox import Sandbox
from tests.sqlite_files import counted, database_with_counter, increment, opened

READING = READ_ONLY_OPTIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


async def test_a_writer_that_is_cancelled_in_the_queue_costs_no_connection(path: Path) -> None:
    async with opened(path) as engine, engine.begin() as first, engine.connect() as second:
        await increment(first)
        driver = (await second.get_raw_connection()).driver_connection
        waiting = asyncio.create_task(second.begin().start())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

        assert waiting.cancelled()
        assert (await second.get_raw_connection()).driver_connection is driver
        await first.commit()
        await increment(second)
        await second.commit()

    assert await counted(path) == 2


async def test_a_statement_that_is_cancelled_later_still_costs_the_connection(path: Path) -> None:
    async with opened(path) as engine, engine.begin() as first, engine.connect() as second:
        waiting = asyncio.create_task(second.begin().start())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await first.rollback()
        await increment(second)
        reading = asyncio.create_task(second.execute(text("SELECT 1")))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])

        assert second.invalidated


async def test_autocommit_reads_only_when_told_so(path: Path) -> None:
    async with opened(path, isolation_level="AUTOCOMMIT") as engine, engine.connect() as connection:
        await connection.execution_options(isolation_level="SERIALIZABLE")
        await increment(connection)
        await connection.rollback()

    assert await counted(path) == 0


async def test_a_profile_in_autocommit_is_so_again_for_the_next_user(path: Path) -> None:
    async with opened(path, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0) as engine:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="SERIALIZABLE")
        async with engine.connect() as connection:
            await increment(connection)
            await connection.rollback()

    assert await counted(path) == 1


async def test_a_connection_in_autocommit_takes_no_turn(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine, engine.begin(), engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")

        assert (await connection.execute(text("SELECT value FROM counter"))).scalar_one() == 0


async def test_a_transaction_does_not_become_read_only_halfway(path: Path) -> None:
    async with opened(path) as engine, engine.begin() as connection:
        await increment(connection)
        with pytest.raises(InvalidRequestError):
            await connection.execution_options(**READING)


async def test_a_connection_can_be_made_read_only_before_it_begins(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine, engine.begin(), engine.connect() as reader:
        await reader.execution_options(**READING)

        assert (await reader.execute(text("SELECT value FROM counter"))).scalar_one() == 0


async def test_a_profile_may_carry_the_option(path: Path) -> None:
    async with opened(path, execution_options=READING) as engine, engine.connect() as connection:
        with pytest.raises(OperationalError, match="readonly"):
            await increment(connection)


async def test_an_engine_that_was_read_last_leaves_one_file(path: Path) -> None:
    """Refusing writes does not keep the last connection from its checkpoint."""
    async with opened(path, pool_size=1, max_overflow=0) as engine:
        async with engine.begin() as connection:
            await increment(connection)
        async with engine.execution_options(**READING).connect() as connection:
            await connection.execute(text("SELECT value FROM counter"))

    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("has_read", [False, True])
async def test_a_connection_that_was_closed_underneath_keeps_no_turn(path: Path, *, has_read: bool) -> None:
    """The turn ends with the connection; what goes on with it afterwards must not take another one along."""
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", pool_timeout=PATIENCE)
    closing, other = DataModule(settings=settings), DataModule(settings=settings)
    async with other:
        async with closing:
            session = await closing.session().__aenter__()
            await session.connection()
            if has_read:
                await session.execute(text("SELECT value FROM counter"))
                async with other.session() as writing:  # the first steps aside
                    await increment(writing)
        with pytest.raises((OperationalError, ValueError), match="closed"):  # SQLAlchemy 2.0 hands through aiosqlite's
            await increment(session)
        await session.close()
        async with other.session() as writing:
            await increment(writing)

    assert await counted(path) == 1 + has_read


async def test_an_engine_that_was_kept_over_a_reload_waits_in_the_queue_of_the_file_that_it_writes(
    project: Sandbox,
) -> None:
    for name in ("old", "new"):
        (project.path / name).mkdir()
        database_with_counter(project.path / name)
    table = '[data.profiles.{}]\ndatabase_url = "sqlite:///{}/app.db"\npool_timeout = 20\n'
    project.write("myfy.toml", '[data]\ndefault = "main"\n' + table.format("main", "old") + table.format("same", "old"))
    async with DataModule() as data, data.session(read_only=True) as holding:
        await holding.execute(text("SELECT 1"))  # the old engine drains
        kept = data.get_engine()
        async with kept.begin() as connection:
            await increment(connection)
        project.write("myfy.toml", project.path.joinpath("myfy.toml").read_text().replace("old", "new", 1))
        await data.reload()
        async with data.get_engine().begin() as holder:
            await increment(holder)
            writing = asyncio.create_task(increment_on(kept))
            await asyncio.sleep(0)
        await writing
        async with data.session("same") as session:
            await increment(session)

    assert [await counted(project.path / name / "app.db") for name in ("old", "new")] == [2, 2]


async def increment_on(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await increment(connection)
