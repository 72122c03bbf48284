"""A COMMIT whose answer never came is neither stored nor lost: it is unknown, and said so (contract C5.3)."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DataModule
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import CONNECTION_ID, KILL, SERVERS, Database
from tests.tcp_proxy import Relay

pytestmark = [
    pytest.mark.usefixtures("quiet"),
    pytest.mark.parametrize("database", SERVERS, indirect=True),
]


async def killed_before_commit(session: AsyncSession, database: Database) -> None:
    await session.execute(database.note("CANARY-note"))
    [[connection]] = (await session.execute(text(CONNECTION_ID[database.kind]))).all()
    await database.run(KILL[database.kind].format(connection))


async def by_context(data: DataModule, database: Database) -> None:
    async with data.session() as session:
        await killed_before_commit(session, database)


async def by_explicit_commit(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        await killed_before_commit(session, database)
        await session.commit()


async def by_begin_block(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session, session.begin():
        await killed_before_commit(session, database)


async def by_the_synchronous_session(data: DataModule, database: Database) -> None:
    async with data.get_session_factory().create_session() as session:
        await killed_before_commit(session, database)
        await session.run_sync(lambda synchronous: synchronous.commit())


Way = Callable[[DataModule, Database], Awaitable[None]]


@pytest.mark.parametrize("way", [by_context, by_explicit_commit, by_begin_block, by_the_synchronous_session])
async def test_a_connection_killed_at_commit_leaves_it_open(narrow: DataModule, database: Database, way: Way) -> None:
    with pytest.raises(CommitOutcomeUnknown, match="profile 'main'") as caught:
        await way(narrow, database)

    assert caught.value.__cause__ is not None
    assert narrow.pool_status().checked_out == 0


async def test_the_pool_recovers_by_itself(narrow: DataModule, database: Database) -> None:
    with pytest.raises(CommitOutcomeUnknown):
        await by_context(narrow, database)

    async with narrow.session() as session:
        assert await database.texts(session) == []


async def test_the_error_shows_no_value_of_a_statement(narrow: DataModule, database: Database) -> None:
    with pytest.raises(CommitOutcomeUnknown) as caught:
        await by_context(narrow, database)

    assert "CANARY" not in "".join(traceback.format_exception(caught.value)).replace('database.note("CANARY-note")', "")


async def test_a_connection_killed_before_a_flush_is_a_plain_failure(narrow: DataModule, database: Database) -> None:
    """COMMIT was never sent, so there is nothing unknown about it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error of the driver will do, but one
        async with narrow.session() as session:
            await killed_before_commit(session, database)
            await session.execute(database.note("b"))

    assert not isinstance(caught.value, CommitOutcomeUnknown)


async def flush_by_context(data: DataModule, note: object) -> None:
    async with data.session() as session:
        session.add(note)


async def flush_by_begin_block(data: DataModule, note: object) -> None:
    async with data.get_session_factory().create_session() as session, session.begin():
        session.add(note)


async def flush_by_the_synchronous_session(data: DataModule, note: object) -> None:
    async with data.get_session_factory().create_session() as session:
        session.add(note)
        await session.run_sync(lambda synchronous: synchronous.commit())


@pytest.mark.parametrize("way", [flush_by_context, flush_by_begin_block, flush_by_the_synchronous_session])
async def test_a_last_flush_that_is_never_answered_is_a_plain_failure(
    database: Database, way: Callable[[DataModule, object], Awaitable[None]]
) -> None:
    async with database.relayed() as relay, database.module(command_timeout=PATIENCE) as data:
        run_out = deadline_of(PATIENCE)
        engine = data.get_engine().sync_engine
        event.listen(engine, "before_cursor_execute", lambda *_: relay.lose_answers(run_out), once=True)

        with pytest.raises((DBAPIError, OSError)):
            await way(data, database.mapped()(text="a"))

        relay.heal()
        assert data.pool_status().checked_out == 0


LOSSES = {
    "no answer": (lambda relay: relay.lose_answers(deadline_of(PATIENCE)), ["a"]),
    "cut before the server hears it": (Relay.reset, []),
}


@pytest.mark.parametrize(("lose", "stored"), LOSSES.values(), ids=LOSSES.keys())
async def test_both_truths_have_the_same_name(
    database: Database, lose: Callable[[Relay], None], stored: list[str]
) -> None:
    async with database.relayed() as relay, database.module(command_timeout=PATIENCE) as data:
        event.listen(data.get_engine().sync_engine, "commit", lambda _: lose(relay), once=True)

        with pytest.raises(CommitOutcomeUnknown):
            async with data.session() as session:
                await session.execute(database.note("a"))

        relay.heal()
        assert await database.stored() == stored
        assert data.pool_status().checked_out == 0


async def test_an_answered_refusal_is_known(narrow: DataModule, database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with narrow.session() as session:
            await session.execute(database.note("a"))
            await session.execute(database.note("a"))
