"""One session, one task, one loop, one process, until its end (contract C4, C5.9)."""

from __future__ import annotations

import asyncio
import inspect
import os

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.errors import ConcurrentSessionError, SessionError, WrongEventLoopError
from myfy_data.sessions.concurrency import SessionGuard
from myfy_data.sessions.session import ProfileSession
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE


class NoEngines:
    """A registry that must not be asked."""

    def get(self, profile: str, *, read_only: bool = False) -> AsyncEngine:  # noqa: ARG002 - as an EngineSource
        raise AssertionError(f"an engine of {profile} was asked for")


@pytest.fixture
def usage() -> SessionGuard:
    return SessionGuard("main", patience=PATIENCE)


async def test_a_nested_call_of_the_same_task_is_let_in(usage: SessionGuard) -> None:
    assert (usage.enter(), usage.enter()) == (True, False)


async def test_another_task_is_refused_with_the_fix(usage: SessionGuard) -> None:
    usage.enter()

    async def other() -> None:
        usage.enter()

    with pytest.raises(ConcurrentSessionError) as caught:
        await asyncio.create_task(other())

    assert str(caught.value).startswith(
        "profile 'main': two tasks use one session at the same time\n  fix: give each task"
    )


async def test_another_task_is_let_in_afterwards(usage: SessionGuard) -> None:
    usage.enter()
    usage.leave()

    async def other() -> bool:
        return usage.enter()

    assert await asyncio.create_task(other())


async def test_the_clean_up_waits_for_another_task(usage: SessionGuard) -> None:
    usage.enter()
    clean_up = asyncio.create_task(usage.enter_last())
    await asyncio.sleep(0)
    waited = not clean_up.done()
    usage.leave()
    await clean_up

    assert waited


async def test_the_clean_up_does_not_wait_for_ever() -> None:
    usage = SessionGuard("main", patience=0.05)
    usage.enter()

    with pytest.raises(ConcurrentSessionError, match="nothing was rolled back"):
        await asyncio.create_task(usage.enter_last())


async def test_use_after_the_end_says_so_and_names_the_profile(usage: SessionGuard) -> None:
    usage.ended = True

    with pytest.raises(
        SessionError, match=r"profile 'main': the session was used after its end\n  fix: open a new one"
    ):
        usage.enter()


def test_another_event_loop_is_refused(usage: SessionGuard) -> None:
    async def use() -> None:
        usage.check_place()

    asyncio.run(use())

    with pytest.raises(WrongEventLoopError, match="profile 'main': the session was carried to another event loop"):
        asyncio.run(use())


async def test_another_process_is_refused(usage: SessionGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    usage.check_place()
    pid = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: pid)

    with pytest.raises(WrongEventLoopError, match="carried into another process"):
        usage.check_place()


AWAITING = sorted(
    name
    for name, method in vars(AsyncSession).items()
    if inspect.iscoroutinefunction(method) and not name.startswith("_") and name not in ("aclose", "close_all")
)


@pytest.mark.parametrize("name", AWAITING)
async def test_every_awaiting_method_of_sqlalchemy_is_ours(name: str) -> None:
    """A version of SQLAlchemy that adds one cannot slip past the guard."""
    assert getattr(ProfileSession, name) is not getattr(AsyncSession, name)


@pytest.mark.parametrize("name", ["execute", "flush", "get", "run_sync", "stream"])
async def test_a_method_keeps_the_name_and_the_words_of_sqlalchemy(name: str) -> None:
    method = getattr(ProfileSession, name)

    assert (method.__name__, method.__doc__) == (name, getattr(AsyncSession, name).__doc__)


async def test_a_session_that_began_nothing_asks_for_no_engine() -> None:
    session = ProfileSession("main", NoEngines(), DatabaseSettings())
    await session.commit()
    await session.rollback()

    await session.close()

    assert not session.in_transaction()


@pytest.mark.parametrize("use", ["add", "begin", "begin_nested", "commit", "rollback", "flush", "add_all", "reset"])
async def test_every_use_after_the_end_says_so(use: str) -> None:
    session = ProfileSession("main", NoEngines(), DatabaseSettings())
    await session.close()
    arguments = {"add": (object(),), "add_all": ([object()],)}.get(use, ())

    async def call() -> None:
        await getattr(session, use)(*arguments)

    with pytest.raises(SessionError, match="used after its end"):
        await call()


async def test_the_synchronous_session_has_ended_too() -> None:
    session = ProfileSession("main", NoEngines(), DatabaseSettings())
    await session.close()

    with pytest.raises(InvalidRequestError, match="permanently closed"):
        session.sync_session.begin()


async def test_a_close_that_fails_does_not_hide_the_error_of_the_block() -> None:
    session = ProfileSession("main", NoEngines(), DatabaseSettings(command_timeout=0.05))
    stuck = asyncio.Event()
    task = asyncio.create_task(session.run_exclusively(stuck.wait))

    async def block() -> None:
        async with session:
            session.sync_session.begin()
            await asyncio.sleep(0)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        await block()

    assert caught.value.__notes__ == ["profile 'main': the roll back failed as well: ConcurrentSessionError"]
    stuck.set()
    await task


async def test_closing_twice_does_nothing() -> None:
    session = ProfileSession("main", NoEngines(), DatabaseSettings())
    await session.close()

    await session.close()

    assert session.info == {"profile": "main"}
