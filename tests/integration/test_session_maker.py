"""`SessionFactory` as an `async_sessionmaker`, and sessions that know their engine from the start (C4, C5.8)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from myfy_data import ConfigError, DatabaseSettings, DataModule, DataSettings
from tests.databases import ALL, PERSISTENT, Database

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)

DIALECTS = {"memory": "sqlite", "sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql"}


def unused(tmp_path: Path) -> DataModule:
    """A module whose database is a file that nothing has opened."""
    settings = DatabaseSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'app.db'}")
    return DataModule(settings=DataSettings(profiles={"main": settings}))


def dialect(bind: Any) -> str:
    """The name that libraries read, which do not ask whether there is an engine."""
    name: str = bind.dialect.name
    return name


# -- the engine of a session -------------------------------------------------------------------------------------------


@on_all
async def test_the_engine_is_known_before_the_first_statement(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        names = [
            dialect(session.bind),
            session.get_bind().dialect.name,
            dialect(session.sync_session.bind),
            await session.run_sync(lambda sync: sync.get_bind().dialect.name),
        ]

    assert names == [DIALECTS[database.kind]] * 4


async def test_asking_for_the_engine_takes_no_connection(tmp_path: Path) -> None:
    data = unused(tmp_path)
    async with data.session() as session:
        assert session.bind is data.get_engine()
        assert session.get_bind() is data.get_engine().sync_engine
        in_use = data.pool_status().checked_out
    await data.stop()

    assert (in_use, (tmp_path / "app.db").exists()) == (0, False)


@on_all
async def test_the_first_statement_runs_on_the_engine_that_was_told(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        told = session.bind
        await session.execute(database.note("a"))

        assert session.bind is told is data.get_engine()


async def test_a_read_only_session_tells_the_engine_that_refuses_writes(tmp_path: Path) -> None:
    data = unused(tmp_path)
    async with data.session() as session:
        await session.execute(text("CREATE TABLE t (i INTEGER)"))
    async with data.session(read_only=True) as session:
        engine = session.bind
    assert isinstance(engine, AsyncEngine)
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="readonly"):
            await connection.execute(text("INSERT INTO t VALUES (1)"))
    await data.stop()


def test_outside_any_loop_asking_settles_nothing(tmp_path: Path) -> None:
    data = unused(tmp_path)
    session = data.get_session_factory().create_session()
    names = {dialect(session.bind), session.get_bind().dialect.name}

    async def of_another_session() -> None:
        async with data.session() as other:
            await other.execute(text("SELECT 1"))

    async def of_this_session() -> tuple[int, bool]:
        async with session:
            answer: int = await session.scalar(text("SELECT 1"))
            return answer, session.bind is data.get_engine()

    asyncio.run(of_another_session())
    answer, is_own = asyncio.run(of_this_session())
    asyncio.run(data.stop())

    assert (names, answer, is_own) == ({"sqlite"}, 1, True)


def test_the_engine_that_is_told_is_the_running_loops(tmp_path: Path) -> None:
    data = unused(tmp_path)
    session = data.get_session_factory().create_session()

    async def look() -> bool:
        return session.bind is data.get_engine()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert [first.run(look()), second.run(look()), first.run(look())] == [True, True, True]
        second.run(data.stop())


# -- the factory as a session maker ------------------------------------------------------------------------------------


@on_all
async def test_a_library_that_takes_a_session_maker_takes_it(data: DataModule, database: Database) -> None:
    async def library(maker: async_sessionmaker[AsyncSession]) -> list[str]:
        maker.configure(autoflush=False, autocommit=False)
        assert AsyncSession in maker.class_.__mro__
        async with maker(expire_on_commit=False) as session:
            await session.execute(database.note("a"))
            await session.commit()
        async with maker() as session:
            return await database.texts(session)

    factory = data.get_session_factory()

    assert isinstance(factory, async_sessionmaker)
    assert await library(factory) == ["a"]


@on_persistent
async def test_a_session_that_was_called_for_is_the_callers_to_commit(data: DataModule, database: Database) -> None:
    async with data.get_session_factory()() as session:
        await session.execute(database.note("a"))

    assert await database.stored() == []


@on_persistent
async def test_a_begin_block_that_ends_well_is_stored(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().begin() as session:
        await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


@on_persistent
async def test_a_begin_block_that_raises_stores_nothing(data: DataModule, database: Database) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with data.get_session_factory().begin() as session:
            await session.execute(database.note("a"))
            raise ValueError("mine")

    assert (await database.stored(), data.pool_status().checked_out) == ([], 0)


def test_options_of_the_call_go_before_those_that_were_configured(tmp_path: Path) -> None:
    factory = unused(tmp_path).get_session_factory()
    factory.configure(autoflush=False, info={"a": 1, "b": 1})

    session = factory(expire_on_commit=True, info={"b": 2}).sync_session

    assert (session.autoflush, session.expire_on_commit) == (False, True)
    assert session.info == {"profile": "main", "a": 1, "b": 2}


async def test_the_options_that_a_library_reads_have_the_engine(tmp_path: Path) -> None:
    data = unused(tmp_path)
    factory = data.get_session_factory()
    factory.configure(autoflush=False)

    assert factory.kw == {"autoflush": False, "expire_on_commit": False, "bind": data.get_engine()}
    await data.stop()


def test_what_a_library_configures_is_not_for_the_applications_sessions(tmp_path: Path) -> None:
    factory = unused(tmp_path).get_session_factory()
    factory.configure(autoflush=False, expire_on_commit=True)
    own = factory.create_session().sync_session

    assert (own.autoflush, own.expire_on_commit) == (True, False)


def test_any_other_option_of_sqlalchemys_sessions_is_heard(tmp_path: Path) -> None:
    factory = unused(tmp_path).get_session_factory()

    assert factory(join_transaction_mode="rollback_only").sync_session.join_transaction_mode == "rollback_only"


@pytest.mark.parametrize("how", ["call", "configure"])
@pytest.mark.parametrize("option", ["bind", "binds", "class_", "sync_session_class", "twophase", "close_resets_only"])
def test_an_option_that_would_take_a_promise_back_is_refused(tmp_path: Path, option: str, how: str) -> None:
    factory = unused(tmp_path).get_session_factory()
    options: dict[str, Any] = {option: True}

    with pytest.raises(ConfigError, match=rf"main: {option}: .*\n  fix: "):
        factory(**options) if how == "call" else factory.configure(**options)


@on_persistent
async def test_a_session_that_was_called_for_may_be_read_only(data: DataModule, database: Database) -> None:
    async with data.get_session_factory()(read_only=True) as session:
        with pytest.raises(DBAPIError):
            await _write(session, database)


async def _write(session: AsyncSession, database: Database) -> None:
    connection = await session.connection()
    await connection.execute(database.note("a"))


def test_packages_for_upstreams_factory_find_the_maker_inside(tmp_path: Path) -> None:
    factory = unused(tmp_path).get_session_factory()

    assert isinstance(factory._sessionmaker(), AsyncSession)
