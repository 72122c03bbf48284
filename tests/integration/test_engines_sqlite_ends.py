"""How statements, readers and databases in memory end: interrupted, refused, collected."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS
from myfy_data.engines.registry import EngineRegistry
from myfy_data.engines.sqlite.backend import SQLite
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_files import SLOW, counted, counter, database_with_counter, increment, opened, pragma


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a counter at 0 and a table of children that must have a parent."""
    return database_with_counter(tmp_path)


# -- statements that end ---------------------------------------------------------------------------------------


async def started(engine: AsyncEngine) -> asyncio.Task[None]:
    """A task whose slow statement, in a transaction that has written, is running on the thread."""
    running = asyncio.Event()

    async def write() -> None:
        async with engine.begin() as connection:
            await increment(connection)
            asyncio.get_running_loop().call_later(0.05, running.set)
            await connection.exec_driver_sql(SLOW)

    task = asyncio.create_task(write())
    await running.wait()
    return task


async def test_a_cancelled_statement_is_interrupted_and_frees_everything(path: Path) -> None:
    async with opened(path, pool_timeout=60.0) as engine:
        task = await started(engine)
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([task])
            async with engine.begin() as connection:
                await increment(connection)
        checked_out = engine.pool.checkedout()  # type: ignore[attr-defined]  # a queue pool

    assert task.cancelled()
    assert (checked_out, await counted(path)) == (0, 1)


async def test_a_task_cancelled_three_times_over_leaves_nothing_behind(path: Path) -> None:
    async with opened(path, pool_timeout=60.0) as engine:
        task = await started(engine)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
        async with engine.begin() as connection:
            await increment(connection)

    assert await counted(path) == 1


@pytest.mark.parametrize("key", ["command_timeout", "statement_timeout"])
async def test_a_statement_ends_with_its_time(path: Path, key: str) -> None:
    loop, run_out = asyncio.get_running_loop(), deadline_of(PATIENCE)
    async with opened(path, **{key: PATIENCE}) as engine, engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.create_function("started", 0, lambda: int(bool(loop.call_soon_threadsafe(run_out))))

        with pytest.raises(OperationalError, match="interrupted"):
            await connection.exec_driver_sql(SLOW.replace("SELECT 1 ", "SELECT started() ", 1))


async def test_closing_does_not_wait_for_a_statement(path: Path) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=f"sqlite:///{path}", close_timeout=60)})
    task = await started(registry.get("main"))

    async with asyncio.timeout(PATIENCE):
        await registry.close()

    await asyncio.wait([task])
    assert isinstance(task.exception(), DBAPIError | ValueError)


async def test_closing_ends_every_thread(path: Path) -> None:
    before = set(threading.enumerate())
    async with opened(path) as engine:
        connections = [await engine.connect() for _ in range(3)]
        for connection in connections:
            await connection.close()
        own = set(threading.enumerate()) - before
        assert len(own) >= 3
    for thread in own:
        await asyncio.to_thread(thread.join, PATIENCE)

    assert not any(thread.is_alive() for thread in own)


# -- readers ---------------------------------------------------------------------------------------------------


async def test_a_read_only_transaction_is_refused_its_writes(path: Path) -> None:
    async with opened(path) as engine:
        reading = engine.execution_options(**READ_ONLY_OPTIONS)
        with pytest.raises(OperationalError, match="readonly"):
            async with reading.begin() as connection:
                await increment(connection)

    assert await counted(path) == 0


async def test_the_next_user_of_a_read_only_connection_may_write(path: Path) -> None:
    async with opened(path, pool_size=1, max_overflow=0) as engine:
        reading = engine.execution_options(**READ_ONLY_OPTIONS)
        with pytest.raises(OperationalError):
            async with reading.begin() as connection:
                await increment(connection)
        async with engine.begin() as connection:
            await increment(connection)

    assert await counted(path) == 1


async def test_readers_do_not_wait_for_the_writer(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine, engine.begin() as writer:
        await increment(writer)
        reading = engine.execution_options(**READ_ONLY_OPTIONS)
        async with reading.connect() as reader:
            assert await counter(reader) == 0


async def test_read_only_holds_in_autocommit_too(path: Path) -> None:
    async with opened(path, isolation_level="AUTOCOMMIT") as engine:
        reading = engine.execution_options(**READ_ONLY_OPTIONS)
        async with reading.connect() as connection:
            with pytest.raises(OperationalError, match="readonly"):
                await increment(connection)


async def test_a_read_only_profile_cannot_write_whatever_it_says(path: Path) -> None:
    async with opened(path, read_only=True) as engine, engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA query_only = OFF")
        with pytest.raises(OperationalError, match="readonly"):
            await increment(connection)


async def test_a_read_only_profile_creates_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "absent.db", read_only=True) as engine:
        with pytest.raises(DatabaseConnectionError, match="does not exist"):
            await pragma(engine, "user_version")

    assert list(tmp_path.iterdir()) == []


# -- in memory -------------------------------------------------------------------------------------------------


async def test_sessions_in_memory_take_turns_on_one_connection() -> None:
    async with opened(None) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
            await connection.execute(text("INSERT INTO counter VALUES (0)"))

        async def write() -> None:
            async with engine.begin() as connection:
                await increment(connection)

        await asyncio.gather(*(write() for _ in range(20)))
        async with engine.connect() as connection:
            assert await counter(connection) == 20


async def test_a_database_in_memory_survives_a_cancelled_statement() -> None:
    async with opened(None) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
            await connection.execute(text("INSERT INTO counter VALUES (0)"))
        task = await started(engine)
        task.cancel()
        await asyncio.wait([task])
        async with engine.connect() as connection:
            assert await counter(connection) == 0


async def test_two_databases_in_memory_are_strangers() -> None:
    async with opened(None) as one, opened(None) as other:
        async with one.begin() as connection:
            await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        async with other.connect() as connection:
            with pytest.raises(OperationalError, match="no such table"):
                await counter(connection)


async def test_an_engine_in_memory_that_nobody_closes_is_collected_in_silence() -> None:
    """A test fails on the ResourceWarning of a database that was forgotten open."""
    backend = SQLite("main", DatabaseSettings(database_url="sqlite://"), {})
    connection = await backend.open(None, {})
    await connection.close()

    del backend
