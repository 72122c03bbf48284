"""SQLite as engines give it: real transactions, fair turns to write, and promises kept after failures."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.pool.errors import PoolExhausted, WriterQueueTimeout
from myfy_data.engines.sqlite import backend as sqlite
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.models import SQLiteSettings
from tests.asyncio_servers import PATIENCE
from tests.sandbox import RUN_TIMEOUT, child_environment
from tests.sqlite_files import INCREMENT, counted, counter, database_with_counter, increment, opened, pragma


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a counter at 0 and a table of children that must have a parent."""
    return database_with_counter(tmp_path)


# -- set-up of a connection ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 5000), ("synchronous", 1)]
)
async def test_a_connection_is_set_up_for_work(path: Path, name: str, value: object) -> None:
    async with opened(path) as engine:
        assert await pragma(engine, name) == value


async def test_the_settings_decide_about_the_set_up(path: Path) -> None:
    chosen = SQLiteSettings(journal_mode="delete", busy_timeout=1.5, foreign_keys=False, synchronous="full")
    async with opened(path, sqlite=chosen) as engine:
        found = [await pragma(engine, name) for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")]

    assert found == ["delete", 1500, 0, 2]


async def test_a_child_without_a_parent_is_refused(path: Path) -> None:
    async with opened(path) as engine:
        with pytest.raises(IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO child VALUES (7)"))


async def test_a_sqlite_that_cannot_enforce_foreign_keys_is_not_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Careless(sqlite.AutocommitConnection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            return super().execute(sql.replace("foreign_keys = ON", "foreign_keys = OFF"), *parameters)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(sqlite, "AutocommitConnection", Careless)
    async with opened(path) as engine:
        with pytest.raises(DatabaseConnectionError, match="cannot enforce foreign keys"):
            await pragma(engine, "foreign_keys")


async def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        async with opened(tmp_path / "new.db") as engine:
            await pragma(engine, "user_version")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) & 0o077 == 0


# -- transactions ----------------------------------------------------------------------------------------------


async def test_32_writers_lose_no_update(path: Path) -> None:
    """In the driver's legacy mode 97 of 100 of these updates are lost without an error."""

    async def write(engine: AsyncEngine) -> None:
        for _ in range(20):
            async with engine.begin() as connection:
                await increment(connection)

    async with opened(path) as engine:
        await asyncio.gather(*(write(engine) for _ in range(32)))

    assert await counted(path) == 640


async def test_writers_of_two_processes_lose_no_update(path: Path) -> None:
    command = [sys.executable, "-c", INCREMENT, str(path), "8", "10"]
    processes = [subprocess.Popen(command, env=child_environment()) for _ in range(2)]

    codes = [await asyncio.to_thread(process.wait, RUN_TIMEOUT) for process in processes]

    assert (codes, await counted(path)) == ([0, 0], 160)


async def test_reading_before_writing_never_meets_a_stale_snapshot(path: Path) -> None:
    """A deferred transaction that has read cannot write after another one committed: it fails at once."""
    async with opened(path) as engine, engine.connect() as first, engine.connect() as second:
        await counter(first)
        waiting = asyncio.create_task(increment(second))
        await increment(first)
        await first.commit()
        await waiting
        await second.commit()

    assert await counted(path) == 2


async def test_ddl_is_rolled_back(path: Path) -> None:
    async with opened(path) as engine:
        async with engine.connect() as connection:
            await connection.execute(text("CREATE TABLE passing (id INTEGER)"))
            await connection.rollback()
        async with engine.connect() as connection:
            with pytest.raises(OperationalError, match="no such table"):
                await connection.execute(text("SELECT * FROM passing"))


async def test_a_released_savepoint_is_rolled_back_with_its_transaction(path: Path) -> None:
    async with opened(path) as engine, engine.connect() as connection:
        async with connection.begin_nested():
            await increment(connection)
        await connection.rollback()

    assert await counted(path) == 0


async def test_a_savepoint_is_rolled_back_alone(path: Path) -> None:
    async with opened(path) as engine, engine.begin() as connection:
        await increment(connection)
        savepoint = await connection.begin_nested()
        await increment(connection)
        await savepoint.rollback()

    assert await counted(path) == 1


async def test_autocommit_begins_nothing_and_leaves_real_transactions_behind(path: Path) -> None:
    """SQLAlchemy resets the isolation level of a returned connection, which would mean legacy transactions."""
    async with opened(path, pool_size=1, max_overflow=0) as engine:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("VACUUM")
        async with engine.connect() as connection:
            await connection.execute(text("CREATE TABLE passing (id INTEGER)"))
            await connection.rollback()
            tables = (await connection.execute(text("SELECT name FROM sqlite_master"))).scalars().all()

    assert "passing" not in tables


async def test_a_profile_in_autocommit_keeps_each_statement(path: Path) -> None:
    async with opened(path, isolation_level="AUTOCOMMIT") as engine, engine.connect() as connection:
        await connection.execute(text("UPDATE counter SET value = 5"))
        await connection.rollback()

    assert await counted(path) == 5


# -- turns to write --------------------------------------------------------------------------------------------


async def test_writers_get_their_turn_in_the_order_of_asking(path: Path) -> None:
    order: list[int] = []

    async def write(connection: AsyncConnection, number: int) -> None:
        async with connection.begin():
            order.append(number)
            await increment(connection)

    async with opened(path, pool_size=10) as engine, AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(engine.connect()) for _ in range(10)]
        await asyncio.gather(*(write(connection, number) for number, connection in enumerate(connections)))

    assert order == list(range(10))


async def test_two_profiles_on_one_file_share_the_queue(path: Path) -> None:
    async def write(engine: AsyncEngine) -> None:
        async with engine.begin():
            pass

    async with opened(path) as one, opened(path, pool_timeout=0.05) as other, one.begin() as connection:
        await increment(connection)
        with pytest.raises(WriterQueueTimeout):
            await asyncio.create_task(write(other))


async def test_a_turn_that_never_comes_is_told_with_the_profile_and_the_wait(path: Path) -> None:
    async def write(engine: AsyncEngine) -> None:
        async with engine.begin():
            pass

    async with opened(path, pool_timeout=0.05) as engine, engine.begin() as first:
        await increment(first)
        with pytest.raises(PoolExhausted) as caught:
            await asyncio.create_task(write(engine))

    assert (caught.value.profile, caught.value.waited) == ("main", 0.05)
    assert "one transaction write at a time" in str(caught.value)


async def test_the_turn_ends_with_the_commit_not_with_the_connection(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine, engine.connect() as first:
        await increment(first)
        await first.commit()
        async with engine.begin() as second:
            await increment(second)

    assert await counted(path) == 2


@pytest.mark.parametrize("journal", ["wal", "delete"])
async def test_a_begin_that_fails_gives_its_turn_back(path: Path, journal: Any) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    sqlite = SQLiteSettings(busy_timeout=0.01, journal_mode=journal)
    async with opened(path, pool_timeout=PATIENCE, sqlite=sqlite) as engine:
        await pragma(engine, "user_version")
        other.execute("BEGIN IMMEDIATE")
        async with engine.connect() as unlucky:
            with pytest.raises(OperationalError, match="locked"):
                await increment(unlucky)
            other.execute("ROLLBACK")
            other.close()
            async with engine.begin() as connection:
                await increment(connection)
            await increment(unlucky)  # stands in the queue again
            await unlucky.commit()

    assert await counted(path) == 2


async def test_a_commit_that_fails_keeps_its_turn_until_it_is_rolled_back(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine:
        async with engine.connect() as connection:
            await connection.execute(text("INSERT INTO child VALUES (7)"))
            with pytest.raises(IntegrityError):
                await connection.commit()
        async with engine.begin() as connection:
            await increment(connection)
            children = (await connection.execute(text("SELECT count(*) FROM child"))).scalar_one()

    assert (children, await counted(path)) == (0, 1)


async def test_a_waiting_writer_that_is_cancelled_leaves_the_queue(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine:
        async with engine.connect() as first:
            await increment(first)
            waiting = asyncio.create_task(engine.connect().__aenter__())
            connection = await waiting
            writing = asyncio.create_task(increment(connection))
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
            await connection.close()
            await first.commit()
        async with engine.begin() as second:
            await increment(second)
        checked_out = engine.pool.checkedout()  # type: ignore[attr-defined]  # a queue pool

    assert (checked_out, await counted(path)) == (0, 2)
