"""What a session knows of its COMMIT: also when the request was cancelled, or something behind COMMIT failed (C5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from myfy_data import DataModule, DataSettings
from myfy_data.sessions.commit_outcome import Outcome
from myfy_data.sessions.session import ProfileSession
from myfy_data.sessions.unit_of_work import UnitOfWork
from tests.databases import PERSISTENT, SERVERS, Database, slow

on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)


async def session_of(unit: UnitOfWork, data: DataModule, database: Database) -> ProfileSession:
    """The unit's session, in which a note was written."""
    session = unit.session(data.get_session_factory())
    assert isinstance(session, ProfileSession)
    await session.execute(database.note("a"))
    return session


def fail(*_: object) -> None:
    raise ValueError("mine")


@on_persistent
async def test_a_listener_that_fails_behind_commit_does_not_make_the_work_unstored(
    narrow: DataModule, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    unit = UnitOfWork()
    session = await session_of(unit, narrow, database)
    event.listen(session.sync_session, "after_commit", fail)

    with pytest.raises(ValueError, match="mine"):
        await unit.commit()

    told = "the work of a request is stored (profiles 'main'), although its end failed: ValueError"
    assert (await database.stored(), session.outcome, narrow.pool_status().checked_out) == (["a"], Outcome.STORED, 0)
    assert [message for message in caplog.messages if "of a request" in message] == [told]


@on_persistent
async def test_a_deadline_behind_commit_leaves_nothing_unknown(narrow: DataModule, database: Database) -> None:
    def be_late(*_: object) -> None:
        raise TimeoutError

    unit = UnitOfWork()
    session = await session_of(unit, narrow, database)
    event.listen(session.sync_session, "after_commit", be_late)

    with pytest.raises(TimeoutError):
        await unit.commit()

    assert (await database.stored(), session.outcome) == (["a"], Outcome.STORED)


@on_persistent
async def test_a_flush_that_fails_after_a_commit_of_the_handler_is_told_as_not_committed(
    narrow: DataModule, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    unit = UnitOfWork()
    session = await session_of(unit, narrow, database)
    await session.commit()
    await session.execute(database.note("b"))
    event.listen(session.sync_session, "before_flush", fail)
    session.add(database.mapped()(text="c"))

    with pytest.raises(ValueError, match="mine"):
        await unit.commit()

    assert await database.stored() == ["a"]
    assert caplog.messages == ["the work of a request was not committed (profiles 'main'): ValueError"]


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_an_earlier_commit_of_one_profile_is_not_told_as_the_end_of_both(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    both = DataSettings(default="a", profiles={name: database.settings() for name in ("a", "b")})
    async with DataModule(settings=both) as data:
        await database.create(data.get_engine())
        unit = UnitOfWork()
        first, second = (unit.session(data.get_session_factory(name)) for name in ("a", "b"))
        await first.execute(database.note("a"))
        await first.commit()
        await database.texts(first)
        event.listen(second.sync_session, "before_flush", fail)
        await second.connection()
        second.add(database.mapped()(text="b"))

        with pytest.raises(ValueError, match="mine"):
            await unit.commit()

    assert [message for message in caplog.messages if "of a request" in message] == [
        "the work of a request was not committed (profiles 'a', 'b'): ValueError"
    ]


@on_persistent
async def test_the_release_of_a_savepoint_is_no_commit(narrow: DataModule, database: Database) -> None:
    async with narrow.get_session_factory().create_session() as session:
        assert isinstance(session, ProfileSession)
        async with session.begin_nested():
            await session.execute(database.note("a"))

        assert session.outcome is Outcome.NOT_REACHED


async def cancel_in_the_last_flush(
    data: DataModule, database: Database, listener: Callable[..., None]
) -> asyncio.CancelledError:
    """Cancel a block while it runs a slow statement in a listener of its last flush; the cancellation as raised."""
    sent = asyncio.Event()
    statement = slow(database.kind)

    def notice(*arguments: Any) -> None:
        if arguments[2] == statement:
            sent.set()

    event.listen(data.get_engine().sync_engine, "before_cursor_execute", notice)

    async def work() -> None:
        async with data.session() as session:
            event.listen(session.sync_session, "before_flush", listener)
            session.add(database.mapped()(text="a"))

    task = asyncio.create_task(work())
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return caught.value


@on_persistent
async def test_a_flush_that_fails_while_it_is_cancelled_is_not_told_as_a_commit(
    narrow: DataModule, database: Database
) -> None:
    def fail_in_the_statement(session: Session, *_: object) -> None:
        try:
            session.execute(text(slow(database.kind)))
        except BaseException as error:
            raise ValueError("mine") from error

    cancelled = await cancel_in_the_last_flush(narrow, database, fail_in_the_statement)

    assert cancelled.__notes__[0] == (
        "profile 'main': nothing was committed: before COMMIT, this failed as well: ValueError"
    )
    assert not any("COMMIT was answered" in note for note in cancelled.__notes__)
    assert await database.stored() == []
