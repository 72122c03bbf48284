"""A cancelled block rolls back, gives its connection back, and says nothing behind our back (contract C5.3, C5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from myfy_data import CommitOutcomeUnknown, DataModule
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import ALL, PERSISTENT, SERVERS, Database, slow

pytestmark = pytest.mark.usefixtures("quiet")
on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)

Work = Callable[[], Awaitable[None]]
Moment = Callable[[], Awaitable[object]]


async def by_task(work: Work, moment: Moment) -> None:
    """`task.cancel()` when the moment has come."""
    task = asyncio.ensure_future(work())
    await moment()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(work: Work, moment: Moment) -> None:
    """`asyncio.timeout()` runs out when the moment has come."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as timeout:
            waiting = asyncio.ensure_future(moment())
            waiting.add_done_callback(lambda _: timeout.reschedule(asyncio.get_running_loop().time()))
            await work()


async def by_anyio(work: Work, moment: Moment) -> None:
    """An anyio scope is cancelled when the moment has come: it cancels at every await from then on."""
    with anyio.CancelScope() as scope:
        waiting = asyncio.ensure_future(moment())
        waiting.add_done_callback(lambda _: scope.cancel())
        await work()
    assert scope.cancelled_caught


WAYS = pytest.mark.parametrize("way", [by_task, by_timeout, by_anyio])


def when_sent(data: DataModule, statement: str) -> Moment:
    """The moment at which the driver is handed a statement."""
    sent = asyncio.Event()

    def notice(*arguments: object) -> None:
        if arguments[2] == statement:
            sent.set()

    event.listen(data.get_engine().sync_engine, "before_cursor_execute", notice)
    return sent.wait


def when_committing(data: DataModule) -> Moment:
    """The moment at which COMMIT is sent."""
    sent = asyncio.Event()
    event.listen(data.get_engine().sync_engine, "commit", lambda _: sent.set())
    return sent.wait


@WAYS
@on_all
async def test_in_a_statement(narrow: DataModule, database: Database, way: Callable[..., Awaitable[None]]) -> None:
    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            await session.execute(text(slow(database.kind)))

    await way(work, when_sent(narrow, slow(database.kind)))

    assert narrow.pool_status().checked_out == 0
    if database.kind != "memory":  # which goes with its one connection
        assert await database.stored() == []


@WAYS
@on_persistent
async def test_in_the_last_flush_of_a_commit(
    narrow: DataModule, database: Database, way: Callable[..., Awaitable[None]]
) -> None:
    """COMMIT is not under way yet, so the flush is not waited for."""

    def take_long(session: Session, *_: object) -> None:
        session.execute(text(slow(database.kind)))

    async def work() -> None:
        async with narrow.session() as session:
            event.listen(session.sync_session, "before_flush", take_long)
            session.add(database.mapped()(text="a"))

    await way(work, when_sent(narrow, slow(database.kind)))

    assert (await database.stored(), narrow.pool_status().checked_out) == ([], 0)


@WAYS
@on_all
async def test_in_the_wait_for_a_connection(narrow: DataModule, way: Callable[..., Awaitable[None]]) -> None:
    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(text("SELECT 2"))

    async def waiting() -> None:
        while narrow.pool_status().waiting == 0:
            await asyncio.sleep(0)

    async with narrow.session() as holder:
        await asyncio.create_task(holder.execute(text("SELECT 1")))  # a task that waited for itself would be told so
        await way(work, waiting)

    status = narrow.pool_status()
    assert (status.checked_out, status.waiting) == (0, 0)


@WAYS
@on_all
async def test_between_statements(narrow: DataModule, database: Database, way: Callable[..., Awaitable[None]]) -> None:
    reached = asyncio.Event()

    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            reached.set()
            await asyncio.Event().wait()

    await way(work, reached.wait)

    assert narrow.pool_status().checked_out == 0
    async with narrow.session() as session:
        assert await database.texts(session) == []


@WAYS
@on_persistent
async def test_in_commit_waits_for_the_answer(
    narrow: DataModule, database: Database, way: Callable[..., Awaitable[None]]
) -> None:
    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("a"))

    await way(work, when_committing(narrow))

    assert (await database.stored(), narrow.pool_status().checked_out) == (["a"], 0)


@on_persistent
async def test_the_cancellation_after_an_answered_commit_says_what_is_stored(
    narrow: DataModule, database: Database
) -> None:
    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("a"))

    committing = when_committing(narrow)
    task = asyncio.create_task(work())
    await committing()
    task.cancel()

    with pytest.raises(asyncio.CancelledError) as caught:
        await task

    assert caught.value.__notes__ == [
        "profile 'main': COMMIT was answered before this cancellation: the work is stored"
    ]


@on_persistent
async def test_in_a_roll_back_finishes_it(narrow: DataModule, database: Database) -> None:
    rolling_back = asyncio.Event()
    event.listen(narrow.get_engine().sync_engine, "rollback", lambda _: rolling_back.set())

    async def work() -> None:
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            raise ValueError("mine")

    task = asyncio.create_task(work())
    await rolling_back.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task

    assert isinstance(caught.value.__context__, ValueError)
    assert (await database.stored(), narrow.pool_status().checked_out) == ([], 0)


@on_persistent
async def test_in_an_explicit_close_finishes_it_and_keeps_the_connection(
    narrow: DataModule, database: Database
) -> None:
    rolling_back = asyncio.Event()
    thrown_away: list[object] = []
    event.listen(narrow.get_engine().sync_engine, "rollback", lambda _: rolling_back.set())
    event.listen(narrow.get_engine().sync_engine, "invalidate", lambda *arguments: thrown_away.append(arguments))
    session = narrow.get_session_factory().create_session()
    await session.execute(database.note("a"))
    task = asyncio.create_task(session.close())
    await rolling_back.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (narrow.pool_status().checked_out, thrown_away) == (0, [])


@on_persistent
async def test_a_hundred_blocks_cancelled_anywhere_leak_nothing(data: DataModule, database: Database) -> None:
    async def work(number: int) -> None:
        async with data.session() as session:
            await session.execute(database.note(f"{number}"))
            await session.execute(text("SELECT 1"))

    async def cancelled_after(number: int) -> None:
        task = asyncio.create_task(work(number))
        for _ in range(number % 25):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    await asyncio.gather(*(cancelled_after(number) for number in range(100)))

    async with data.session() as session:
        assert await session.scalar(text("SELECT 42")) == 42
    assert data.pool_status().checked_out == 0


@on_persistent
async def test_in_the_last_flush_stores_nothing(narrow: DataModule, database: Database) -> None:
    """COMMIT was not sent yet, so nothing waits for its answer."""
    flushing = asyncio.Event()
    event.listen(narrow.get_engine().sync_engine, "before_cursor_execute", lambda *_: flushing.set())

    async def work() -> None:
        async with narrow.session() as session:
            session.add(database.mapped()(text="a"))

    task = asyncio.create_task(work())
    await flushing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await database.stored(), narrow.pool_status().checked_out) == ([], 0)


@pytest.mark.parametrize("then", ["silence", "cut"])
@on_servers
async def test_in_a_commit_that_is_never_answered(database: Database, then: str) -> None:
    async with database.relayed() as relay, database.module(command_timeout=PATIENCE) as data:
        committing, answered = asyncio.Event(), asyncio.Event()

        def lose(_: object) -> None:
            relay.lose_answers(then=answered.set)
            committing.set()

        event.listen(data.get_engine().sync_engine, "commit", lose, once=True)

        async def work() -> None:
            async with data.session() as session:
                await session.execute(database.note("a"))

        task = asyncio.create_task(work())
        await committing.wait()
        task.cancel()
        if then == "silence":
            await answered.wait()
            deadline_of(PATIENCE)()
        else:
            relay.reset()
        with pytest.raises(CommitOutcomeUnknown, match="profile 'main'") as caught:
            await task

        relay.heal()
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert data.pool_status().checked_out == 0
