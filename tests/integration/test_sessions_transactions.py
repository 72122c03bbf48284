"""What is stored when a block of work ends, on every database (contract C5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from myfy_data import DataModule, DataSettings, ReadOnlySessionError, SessionFactory
from tests.databases import ALL, CONNECTION_ID, DEFERRING, KILL, PERSISTENT, SERVERS, Database

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_deferring = pytest.mark.parametrize("database", DEFERRING, indirect=True)
on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)


async def seen(data: DataModule, database: Database) -> list[str]:
    """The notes that a new session sees; where there is a second connection, what that one sees."""
    if database.kind != "memory":
        return await database.stored()
    async with data.session() as session:
        return await database.texts(session)


@on_all
async def test_a_block_that_ends_well_is_stored(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))

    assert await seen(data, database) == ["a"]


@on_all
async def test_a_block_that_raises_stores_nothing(data: DataModule, database: Database) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with data.session() as session:
            await session.execute(database.note("a"))
            raise ValueError("mine")

    assert await seen(data, database) == []


@on_all
async def test_an_explicit_commit_is_kept_and_the_rest_rolled_back(data: DataModule, database: Database) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with data.session() as session:
            await session.execute(database.note("a"))
            await session.commit()
            await session.execute(database.note("b"))
            raise ValueError("mine")

    assert await seen(data, database) == ["a"]


@on_all
async def test_work_after_an_explicit_commit_is_committed_too(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))
        await session.commit()
        await session.execute(database.note("b"))

    assert await seen(data, database) == ["a", "b"]


@on_all
async def test_a_session_of_ones_own_stores_what_was_committed(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        await session.execute(database.note("a"))
        await session.commit()
        await session.execute(database.note("b"))

    assert await seen(data, database) == ["a"]


@on_all
async def test_a_begin_block_commits_and_rolls_back(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        async with session.begin():
            await session.execute(database.note("a"))
        with pytest.raises(ValueError, match="mine"):
            async with session.begin():
                await session.execute(database.note("b"))
                raise ValueError("mine")

    assert await seen(data, database) == ["a"]


@on_all
async def test_a_begin_block_may_commit_by_itself(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session, session.begin() as transaction:
        await session.execute(database.note("a"))
        await transaction.commit()

    assert await seen(data, database) == ["a"]


@on_all
async def test_a_begin_block_may_roll_back_by_itself(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session, session.begin() as transaction:
        await session.execute(database.note("a"))
        await transaction.rollback()

    assert await seen(data, database) == []


@on_all
async def test_a_transaction_can_be_ended_by_hand(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        transaction = await session.begin()
        await session.execute(database.note("a"))
        savepoint = await session.begin_nested()
        await session.execute(database.note("b"))
        await savepoint.rollback()
        savepoint = await session.begin_nested()
        await session.execute(database.note("c"))
        await savepoint.commit()
        await transaction.commit()

    assert await seen(data, database) == ["a", "c"]


@on_all
async def test_a_savepoint_that_fails_takes_only_its_own_work(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(database.note("b"))
                await session.execute(database.note("a"))
        async with session.begin_nested(), session.begin_nested():
            await session.execute(database.note("c"))

    assert await seen(data, database) == ["a", "c"]


async def by_context(data: Sessions, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))
        await session.execute(database.orphan())


async def by_explicit_commit(data: Sessions, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        await session.execute(database.note("a"))
        await session.execute(database.orphan())
        await session.commit()


async def by_begin_block(data: Sessions, database: Database) -> None:
    async with data.get_session_factory().create_session() as session, session.begin():
        await session.execute(database.note("a"))
        await session.execute(database.orphan())


async def by_close_alone(data: Sessions, database: Database) -> None:
    session = data.get_session_factory().create_session()
    await session.execute(database.note("a"))
    await session.execute(database.orphan())
    try:
        await session.commit()
    finally:
        await session.close()


async def by_the_synchronous_session(data: Sessions, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        await session.execute(database.note("a"))
        await session.execute(database.orphan())
        await session.run_sync(lambda synchronous: synchronous.commit())


class Sessions(Protocol):
    """What a way to end in a failed COMMIT needs of a module."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]: ...

    def get_session_factory(self) -> SessionFactory: ...


Way = Callable[[Sessions, Database], Awaitable[None]]
WAYS = pytest.mark.parametrize(
    "way", [by_context, by_explicit_commit, by_begin_block, by_close_alone, by_the_synchronous_session]
)


@WAYS
@on_deferring
async def test_a_commit_that_fails_raises_and_stores_nothing(narrow: DataModule, database: Database, way: Way) -> None:
    with pytest.raises(IntegrityError):
        await way(narrow, database)

    assert await seen(narrow, database) == []


@WAYS
@on_deferring
async def test_the_next_user_of_the_connection_sees_nothing_of_a_failed_commit(
    narrow: DataModule, database: Database, way: Way
) -> None:
    with pytest.raises(IntegrityError):
        await way(narrow, database)

    async with narrow.session() as session:
        assert await database.texts(session) == []
        await session.execute(database.note("b"))

    assert await seen(narrow, database) == ["b"]


class WithoutReset:
    """Sessions on a plain engine of SQLite, whose pool sends nothing when a connection comes back."""

    def __init__(self, database: Database) -> None:
        self.engine = create_async_engine(database.url, pool_size=1, max_overflow=0, pool_reset_on_return=None)
        event.listen(self.engine.sync_engine, "connect", lambda driver, _: driver.execute("PRAGMA foreign_keys = ON"))
        self.factory = SessionFactory("main", self, database.settings())

    def get(self, _: str, *, read_only: bool = False) -> AsyncEngine:  # noqa: ARG002 - as an EngineSource
        return self.engine

    def get_session_factory(self) -> SessionFactory:
        return self.factory

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.factory.session_context()


@WAYS
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_it_does_not_take_the_pool_to_roll_a_failed_commit_back(database: Database, way: Way) -> None:
    """SQLAlchemy sends no ROLLBACK of its own after a COMMIT that failed."""
    data = WithoutReset(database)
    with pytest.raises(IntegrityError):
        await way(data, database)
    async with data.session() as session:
        seen_next = await database.texts(session)
    await data.engine.dispose()

    assert seen_next == []


@on_deferring
async def test_a_session_goes_on_after_a_commit_that_failed(narrow: DataModule, database: Database) -> None:
    async with narrow.session() as session:
        await session.execute(database.orphan())
        with pytest.raises(IntegrityError):
            await session.commit()
        await session.execute(database.note("b"))

    assert await seen(narrow, database) == ["b"]


@on_deferring
async def test_a_begin_block_can_follow_one_whose_commit_failed(narrow: DataModule, database: Database) -> None:
    async with narrow.get_session_factory().create_session() as session:
        with pytest.raises(IntegrityError):
            async with session.begin():
                await session.execute(database.orphan())
        async with session.begin():
            await session.execute(database.note("b"))

    assert await seen(narrow, database) == ["b"]


@on_all
async def test_a_constraint_at_the_last_flush_raises_and_stores_nothing(narrow: DataModule, database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            await session.execute(database.note("a"))

    assert (await seen(narrow, database), narrow.pool_status().checked_out) == ([], 0)


@on_servers
async def test_the_first_error_survives_a_roll_back_that_fails(narrow: DataModule, database: Database) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            [[connection]] = (await session.execute(text(CONNECTION_ID[database.kind]))).all()
            await database.run(KILL[database.kind].format(connection))
            raise ValueError("mine")

    assert (await database.stored(), narrow.pool_status().checked_out) == ([], 0)


@on_all
async def test_a_session_that_did_nothing_takes_no_connection(database: Database) -> None:
    opened: list[str] = []
    settings = DataSettings(profiles={"main": database.settings()})
    data = DataModule(settings=settings, on_engine=lambda profile, _: opened.append(profile))
    async with data.session() as session:
        status = data.pool_status()
        await session.commit()
    await data.stop()

    assert (opened, status.checked_out, status.checked_in) == ([], 0, 0)


@on_all
async def test_nothing_is_sent_at_the_end_when_nothing_was_begun(data: DataModule, database: Database) -> None:
    sent: list[str] = []
    engine = data.get_engine().sync_engine
    for name in ("begin", "commit", "rollback"):
        event.listen(engine, name, lambda _, name=name: sent.append(name))

    async with data.session() as session:
        await session.execute(text("SELECT 1"))
        await session.commit()

    assert sent == ["begin", "commit"]


@on_all
async def test_twenty_sessions_at_once_all_store(data: DataModule, database: Database) -> None:
    async def work(number: int) -> None:
        async with data.session() as session:
            await session.execute(database.note(f"{number:02}"))

    await asyncio.gather(*(work(number) for number in range(20)))

    assert await seen(data, database) == [f"{number:02}" for number in range(20)]
    assert data.pool_status().checked_out == 0


@on_persistent
async def test_two_profiles_in_turns_reach_their_own_databases(database: Database, tmp_path: Path) -> None:
    other = Database("sqlite", f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    settings = DataSettings(default="main", profiles={"main": database.settings(), "other": other.settings()})
    async with DataModule(settings=settings) as data:
        await other.create(data.get_engine("other"))
        async with data.session() as first, data.session("other") as second:
            await first.execute(database.note("main 1"))
            await second.execute(other.note("other 1"))
            await first.execute(database.note("main 2"))
            await second.execute(other.note("other 2"))

    assert await database.stored() == ["main 1", "main 2"]
    assert await other.stored() == ["other 1", "other 2"]


@on_persistent
async def test_a_read_only_session_is_refused_writes_by_the_server(data: DataModule, database: Database) -> None:
    with pytest.raises(ReadOnlySessionError, match="profile 'main'") as caught:
        async with data.session(read_only=True) as session:
            await session.execute(database.note("a"))

    assert isinstance(caught.value.__cause__, DBAPIError)
    assert await database.stored() == []


@on_persistent
async def test_a_read_only_session_leaves_no_trace_on_its_connection(narrow: DataModule, database: Database) -> None:
    async with narrow.session(read_only=True) as session:
        await database.texts(session)
    async with narrow.session() as session:
        await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


@on_persistent
async def test_every_session_of_a_read_only_profile_is_read_only(database: Database) -> None:
    async with database.module(read_only=True) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session() as session:
                await session.execute(database.note("a"))


@on_all
async def test_objects_can_be_read_after_the_commit(data: DataModule, database: Database) -> None:
    note = database.mapped()(text="a")
    async with data.session() as session:
        session.add(note)
        await session.commit()
        await session.refresh(note)

    assert (note.text, note.id) == ("a", 1)


@on_all
async def test_a_session_is_an_async_session_of_sqlalchemy(data: DataModule) -> None:
    async with data.session() as session:
        assert isinstance(session, AsyncSession)
        assert await session.scalar(text("SELECT 1")) == 1
        assert session.bind is data.get_engine()
