"""SQLite: a file that was deleted or replaced underneath is noticed with the next connection, and by health."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import DatabaseSettings, DataModule
from myfy_data.errors import DatabaseConnectionError
from tests.sqlite_files import counted, counter, database_with_counter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return database_with_counter(tmp_path / "here")


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    async with DataModule(settings=DatabaseSettings(database_url=f"sqlite:///{path}")) as data:
        async with data.session() as session:
            await session.execute(text("UPDATE counter SET value = 1"))
        yield data


def delete(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def replace(path: Path, value: int) -> None:
    """Put another database in the place of one, as a restore does."""
    other = path.parent.parent / "other"
    other.mkdir()
    connection = sqlite3.connect(database_with_counter(other), isolation_level=None)
    connection.execute("UPDATE counter SET value = ?", (value,))
    connection.close()
    delete(path)
    (other / "app.db").rename(path)


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_file_that_was_replaced_is_seen(data: DataModule, path: Path, read_only: bool) -> None:
    replace(path, 7)
    async with data.session(read_only=read_only) as session:
        assert (await session.execute(text("SELECT value FROM counter"))).scalar_one() == 7


async def test_what_is_written_after_a_replacement_is_in_the_new_file(data: DataModule, path: Path) -> None:
    replace(path, 7)
    async with data.session() as session:
        await session.execute(text("UPDATE counter SET value = value + 1"))

    assert await counted(path) == 8


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_file_that_was_deleted_is_named(data: DataModule, path: Path, read_only: bool) -> None:
    delete(path)
    with pytest.raises(DatabaseConnectionError, match=rf"{path} was deleted"):
        async with data.session(read_only=read_only) as session:
            await session.execute(text("SELECT value FROM counter"))

    assert not path.exists()
    assert data.pool_status().checked_out == 0


async def test_no_empty_file_takes_the_place_of_a_deleted_one(data: DataModule, path: Path) -> None:
    """Not by a new connection either."""
    async with data.session(read_only=True) as session:
        await session.execute(text("SELECT 1"))
        delete(path)
        with pytest.raises(DatabaseConnectionError, match=rf"{path} was deleted"):
            async with data.session() as other:
                await other.execute(text("SELECT 1"))

    assert not path.exists()


async def test_an_engine_that_was_disposed_begins_anew(data: DataModule, path: Path) -> None:
    await data.get_engine().dispose()
    delete(path)
    async with data.session() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER)"))

    assert path.exists()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_file_is_restored_around_dispose(data: DataModule, path: Path, when: str) -> None:
    if when == "before":
        replace(path, 7)
    await data.get_engine().dispose()
    if when == "after":
        replace(path, 7)
    async with data.session() as session:
        await session.execute(text("UPDATE counter SET value = value + 1"))

    assert await counted(path) == 8


async def test_what_came_after_dispose_is_watched_again(data: DataModule, path: Path) -> None:
    await data.get_engine().dispose()
    async with data.session() as session:
        await session.execute(text("SELECT 1"))
    delete(path)
    with pytest.raises(DatabaseConnectionError, match=rf"{path} was deleted"):
        async with data.session() as session:
            await session.execute(text("SELECT 1"))


@pytest.mark.parametrize("options", [{}, {"logging_token": "own"}], ids=["the engine", "with options"])
async def test_a_copy_of_an_engine_goes_on_with_a_pool_of_its_own(data: DataModule, options: dict[str, str]) -> None:
    """As SQLAlchemy's own do: it is disposed, and the first one keeps its connections."""
    engine = data.get_engine().sync_engine
    copied = copy.copy(engine)
    copied.dispose(close=False)
    second = AsyncEngine(copied)
    if options:
        second = second.execution_options(**options)
    async with second.connect() as connection:
        await connection.execute(text("SELECT value FROM counter"))
        in_use = engine.pool.status(), copied.pool.status()

    assert "Current Checked out connections: 1" in in_use[1]
    assert "Current Checked out connections: 0" in in_use[0]
    await second.dispose()


async def test_a_deleted_file_is_not_healthy(data: DataModule, path: Path) -> None:
    delete(path)

    report = await data.health()

    assert not report.ok
    assert report.profiles["main"].error is not None


async def test_a_file_that_was_put_back_is_used_again(data: DataModule, path: Path) -> None:
    kept = path.rename(path.parent.parent / "kept.db")
    with pytest.raises(DatabaseConnectionError):
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
    kept.rename(path)
    async with data.get_engine().connect() as connection:
        assert await counter(connection) == 1


async def test_a_module_that_starts_anew_creates_the_file(data: DataModule, path: Path) -> None:
    await data.stop()
    delete(path)
    await data.start()
    async with data.session() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER)"))

    assert path.exists()


async def test_a_database_in_memory_has_no_file_to_lose() -> None:
    async with DataModule(settings=DatabaseSettings(database_url="sqlite://")) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE counter (value INTEGER)"))
        async with data.session() as session:
            assert (await session.execute(text("SELECT count(*) FROM counter"))).scalar_one() == 0
