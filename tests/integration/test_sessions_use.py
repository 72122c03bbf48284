"""Sessions in the wrong hands: two tasks, another loop, another process, after the end (contract C4, C5.9)."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import (
    ConcurrentSessionError,
    DatabaseSettings,
    DataModule,
    DataSettings,
    SessionError,
    WrongEventLoopError,
)
from tests.asyncio_servers import PATIENCE
from tests.databases import ALL, SERVERS, Database, url_of
from tests.sandbox import Sandbox

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
KINDS = pytest.mark.parametrize("kind", ["sqlite", *SERVERS])


@on_all
async def test_two_tasks_at_once_are_told_so(narrow: DataModule, database: Database) -> None:
    async with narrow.session() as session:
        with pytest.raises(ConcurrentSessionError, match="profile 'main': two tasks use one session"):
            await asyncio.gather(*(session.execute(text("SELECT 1")) for _ in range(3)))
        await session.rollback()

        assert narrow.pool_status().checked_out == 0


@on_all
async def test_a_session_that_two_tasks_used_is_ended_by_its_block(narrow: DataModule, database: Database) -> None:
    with pytest.raises(ConcurrentSessionError):
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            await asyncio.gather(*(database.texts(session) for _ in range(3)))

    assert narrow.pool_status().checked_out == 0
    async with narrow.session() as session:
        assert await database.texts(session) == []


@on_all
async def test_one_session_per_task_is_fine(data: DataModule, database: Database) -> None:
    async def count() -> int:
        async with data.session() as session:
            return len(await database.texts(session))

    assert await asyncio.gather(*(count() for _ in range(5))) == [0] * 5


@on_all
async def test_one_task_after_the_other_is_fine(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await asyncio.create_task(database.texts(session))
        await asyncio.create_task(database.texts(session))


@on_all
async def test_use_after_the_block_says_so(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(text("SELECT 1"))

    with pytest.raises(SessionError, match="profile 'main': the session was used after its end"):
        await session.execute(database.note("a"))


@on_all
async def test_streamed_rows_count_as_use_of_the_session(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await session.execute(database.note("a"))
        rows = await session.stream_scalars(database.notes.select().with_only_columns(database.notes.c.text))
        found = [row async for row in rows]

    assert found == ["a"]


def module_for(kind: str, request: pytest.FixtureRequest, directory: Path) -> DataModule:
    settings = DatabaseSettings(database_url=url_of(kind, request, directory), pool_size=1, max_overflow=0)
    return DataModule(settings=DataSettings(profiles={"main": settings}))


@KINDS
def test_one_module_serves_one_loop_after_the_other(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    data = module_for(kind, request, tmp_path)

    async def use() -> int:
        async with data, data.session() as session:
            answer: int = await session.scalar(text("SELECT 1"))
            return answer

    assert [asyncio.run(use()), asyncio.run(use())] == [1, 1]


@KINDS
def test_a_module_that_was_not_stopped_serves_the_next_loop_too(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data = module_for(kind, request, tmp_path)

    async def use() -> int:
        async with data.session() as session:
            answer: int = await session.scalar(text("SELECT 1"))
            return answer

    answers = [asyncio.run(use()), asyncio.run(use())]
    asyncio.run(data.stop())
    gc.collect()

    assert answers == [1, 1]


@KINDS
def test_a_session_carried_to_another_loop_is_refused(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data = module_for(kind, request, tmp_path)

    async def carry() -> AsyncSession:
        session = data.get_session_factory().create_session()
        await session.execute(text("SELECT 1"))
        return session

    async def use(session: AsyncSession) -> None:
        async with asyncio.timeout(PATIENCE):
            await session.execute(text("SELECT 1"))

    with asyncio.Runner() as first, asyncio.Runner() as second:
        session = first.run(carry())
        with pytest.raises(WrongEventLoopError, match="profile 'main': the session was carried to another event loop"):
            second.run(use(session))
        with pytest.raises(WrongEventLoopError):
            second.run(session.close())
        first.run(session.close())
        first.run(data.stop())


FORK = """
import asyncio, os, sys
from sqlalchemy import text
from myfy_data import DatabaseSettings, DataModule, DataSettings, WrongEventLoopError

settings = DatabaseSettings(database_url=sys.argv[1], pool_size=1, max_overflow=0)
data = DataModule(settings=DataSettings(profiles={"main": settings}))
session = data.get_session_factory().create_session(read_only=True)  # a writer would hold SQLite's lock


async def begin():
    await session.execute(text("SELECT 1"))


async def child():
    async with asyncio.timeout(60):
        async with data.session() as fresh:
            assert await fresh.scalar(text("SELECT 7")) == 7
        try:
            await session.execute(text("SELECT 1"))
        except WrongEventLoopError as error:
            assert "profile 'main'" in str(error) and "process" in str(error), error
        else:
            raise AssertionError("the session of the parent was used")


async def parent():
    assert await session.scalar(text("SELECT 8")) == 8
    await session.close()
    await data.stop()


with asyncio.Runner() as runner:
    runner.run(begin())
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(child())
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
    runner.run(parent())
print("both are well")
"""


@KINDS
def test_a_forked_child_gets_its_own_engine_and_no_session_of_its_parent(
    kind: str, request: pytest.FixtureRequest, project: Sandbox
) -> None:
    result = project.python("-W", "ignore::DeprecationWarning", "-c", FORK, url_of(kind, request, project.path))

    assert (result.stdout, result.stderr) == ("both are well\n", "")
