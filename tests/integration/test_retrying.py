"""Units of work that are run again after real conflicts and real losses (section 4 of the retry table; ADR 17)."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DatabaseConnectionError, DataModule, retrying
from tests.asyncio_servers import PATIENCE, close_server
from tests.clock import deadline_of
from tests.databases import CONNECTION_ID, KILL, SERVERS, Database
from tests.own_servers import closed_port
from tests.tcp_proxy import Relay

ON_SERVERS = pytest.mark.parametrize("database", SERVERS, indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)
ON_MARIADB = pytest.mark.parametrize("database", SERVERS[1:], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def two_notes(database: Database) -> Database:
    """Two notes, `1` and `2`, with the ids 1 and 2."""
    await database.run(f"INSERT INTO {database.notes.name} (id, text) VALUES (1, '1'), (2, '2')")
    return database


async def append(session: AsyncSession, database: Database, key: int, letter: str) -> None:
    """Read a note, then store it with a letter more."""
    notes = database.notes
    before = (await session.execute(select(notes.c.text).where(notes.c.id == key))).scalar_one()
    await session.execute(update(notes).where(notes.c.id == key).values(text=before + letter))


async def lock(session: AsyncSession, database: Database, key: int, letter: str) -> None:
    """Store a note with a letter more, in one statement."""
    name = database.notes.name
    joined = f"concat(text, '{letter}')"
    await session.execute(text(f"UPDATE {name} SET text = {joined} WHERE id = {key}"))


# -- conflicts -------------------------------------------------------------------------------------------------


@ON_POSTGRESQL
async def test_a_serialization_failure(two_notes: Database) -> None:
    """Ours reads, another one writes, ours may no longer write what it made of its reading."""
    attempts = 0
    async with two_notes.module(isolation_level="REPEATABLE READ") as data:
        async for attempt in retrying(data):
            async with attempt as session:
                attempts = attempt.number
                await session.execute(select(two_notes.notes))
                if attempt.number == 1:
                    await two_notes.run(f"UPDATE {two_notes.notes.name} SET text = '1x' WHERE id = 1")
                await append(session, two_notes, 1, "y")

    assert (attempts, await two_notes.stored()) == (2, ["1xy", "2"])


@ON_POSTGRESQL
async def test_a_serialization_failure_at_commit(two_notes: Database) -> None:
    """Two transactions that each read what the other one writes: the second COMMIT is refused."""
    attempts = 0
    async with two_notes.module(isolation_level="SERIALIZABLE") as data:
        async for attempt in retrying(data):
            async with attempt as session:
                attempts = attempt.number
                await session.execute(select(two_notes.notes))
                await lock(session, two_notes, 1, "x")
                if attempt.number == 1:
                    async with data.session() as other:
                        await other.execute(select(two_notes.notes))
                        await lock(other, two_notes, 2, "y")

    assert (attempts, await two_notes.stored()) == (2, ["1x", "2y"])


@ON_SERVERS
async def test_a_deadlock(two_notes: Database) -> None:
    """Each locks one note and wants the other's: the server fails one of them, which then runs again."""
    both, survivor_has_ended = asyncio.Barrier(2), asyncio.Event()
    attempts: dict[str, int] = {}

    async with two_notes.module() as data:

        async def unit(letter: str, first: int, second: int) -> None:
            async for attempt in retrying(data):
                if attempt.number == 2:
                    await survivor_has_ended.wait()  # else it may meet the one that runs again, and a third attempt
                async with attempt as session:
                    attempts[letter] = attempt.number
                    if two_notes.kind == "postgresql":
                        await session.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
                    await lock(session, two_notes, first, letter)
                    if attempt.number == 1:
                        await both.wait()
                    await lock(session, two_notes, second, letter)
            survivor_has_ended.set()

        await asyncio.gather(unit("a", 1, 2), unit("b", 2, 1))

    assert sorted(attempts.values()) == [1, 2]
    assert [sorted(words) for words in await two_notes.stored()] == [["1", "a", "b"], ["2", "a", "b"]]


@ON_MARIADB
async def test_a_lock_that_was_waited_for_in_vain(two_notes: Database) -> None:
    """MariaDB rolls back the statement alone; the whole unit must start anew, and nothing of it may stay."""
    attempts = 0
    async with two_notes.module() as data, data.get_session_factory().create_session() as other:
        await lock(other, two_notes, 2, "x")
        async for attempt in retrying(data):
            if attempt.number == 2:
                await other.commit()
            async with attempt as session:
                attempts = attempt.number
                await session.execute(text("SET SESSION innodb_lock_wait_timeout = 0"))
                await lock(session, two_notes, 1, "y")
                await lock(session, two_notes, 2, "y")

    assert (attempts, await two_notes.stored()) == (2, ["1y", "2xy"])


@ON_SQLITE
async def test_a_file_that_another_process_writes(two_notes: Database) -> None:
    attempts = 0
    async with two_notes.module(sqlite={"busy_timeout": 0.0}) as data:
        await two_notes.create(data.get_engine())
        other = sqlite3.connect(two_notes.url.partition(":///")[2], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async for attempt in retrying(data):
            if attempt.number == 2:
                other.close()
            async with attempt as session:
                attempts = attempt.number
                await append(session, two_notes, 1, "x")

    assert (attempts, await two_notes.stored()) == (2, ["1x", "2"])


# -- losses ----------------------------------------------------------------------------------------------------


@ON_SERVERS
async def test_a_connection_that_is_lost_before_commit(two_notes: Database) -> None:
    attempts = 0
    async with two_notes.module() as data:
        async for attempt in retrying(data):
            async with attempt as session:
                attempts = attempt.number
                await lock(session, two_notes, 1, "x")
                if attempt.number == 1:
                    [[number]] = (await session.execute(text(CONNECTION_ID[two_notes.kind]))).all()
                    await two_notes.run(KILL[two_notes.kind].format(number))
                await lock(session, two_notes, 2, "x")

    assert (attempts, await two_notes.stored()) == (2, ["1x", "2x"])


@ON_SERVERS
async def test_a_commit_without_an_answer_is_never_repeated(two_notes: Database) -> None:
    """The control of the test above: the same loss, one message later."""
    attempts = 0
    async with two_notes.module() as data:
        with pytest.raises(CommitOutcomeUnknown):
            async for attempt in retrying(data):
                async with attempt as session:
                    attempts += 1
                    await lock(session, two_notes, 1, "x")
                    [[number]] = (await session.execute(text(CONNECTION_ID[two_notes.kind]))).all()
                    await two_notes.run(KILL[two_notes.kind].format(number))

    assert attempts == 1
    assert await two_notes.stored() in (["1", "2"], ["1x", "2"])


@ON_SERVERS
async def test_a_commit_whose_answer_is_lost_is_stored_once(two_notes: Database) -> None:
    """The server has committed; to run the unit again would do its work twice."""
    async with two_notes.relayed() as relay, two_notes.module(command_timeout=PATIENCE) as data:
        lose = partial(relay.lose_answers, deadline_of(PATIENCE))
        with pytest.raises(CommitOutcomeUnknown):
            async for attempt in retrying(data):
                async with attempt as session:
                    await lock(session, two_notes, 1, "x")
                    event.listen(session.sync_session, "before_commit", lambda _: lose())
        relay.heal()

    assert await two_notes.stored() == ["1x", "2"]


@ON_SERVERS
async def test_a_server_that_comes_back(two_notes: Database) -> None:
    straight, door = two_notes.url, socket.socket()
    door.bind(("127.0.0.1", 0))  # nobody else takes it, and nothing listens on it yet
    relay = Relay(*_place(straight))
    two_notes.url = straight.replace(f":{_place(straight)[1]}/", f":{door.getsockname()[1]}/")
    attempts, server = 0, None
    async with unasked(two_notes.module()) as data:
        two_notes.url = straight
        async for attempt in retrying(data):
            if attempt.number == 2:
                server = await asyncio.start_server(relay.accept, sock=door)
            async with attempt as session:
                attempts = attempt.number
                await lock(session, two_notes, 1, "x")
    assert server is not None
    await close_server(server)
    await relay.close()

    assert (attempts, await two_notes.stored()) == (2, ["1x", "2"])


@ON_SERVERS
async def test_a_server_that_does_not_come_back_is_told_as_ever(two_notes: Database) -> None:
    straight, attempts = two_notes.url, 0
    async with AsyncExitStack() as stack:
        two_notes.url = straight.replace(f":{_place(straight)[1]}/", f":{stack.enter_context(closed_port())}/")
        data = await stack.enter_async_context(unasked(two_notes.module()))
        two_notes.url = straight
        with pytest.raises(DatabaseConnectionError, match="nothing listens on"):
            async for attempt in retrying(data):
                async with attempt as session:
                    attempts = attempt.number
                    await lock(session, two_notes, 1, "x")

    assert attempts == 3


@ON_SERVERS
async def test_a_transaction_that_may_not_write_is_tried_once_more(two_notes: Database) -> None:
    attempts = 0
    async with two_notes.module() as data:
        with pytest.raises(DBAPIError):
            async for attempt in retrying(data, attempts=9):
                async with attempt as session:
                    attempts = attempt.number
                    if two_notes.kind == "mysql":
                        await session.execute(text(_REFUSE_AS_READ_ONLY))
                    await session.execute(text("SET TRANSACTION READ ONLY"))
                    await lock(session, two_notes, 1, "x")

    assert attempts == 2


_REFUSE_AS_READ_ONLY = "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = '--read-only'"
"""What a server that was made read-only says; ours is needed by others."""


@asynccontextmanager
async def unasked(data: DataModule) -> AsyncIterator[DataModule]:
    """A module that is not started, which would ask for the server."""
    try:
        yield data
    finally:
        await data.stop()


def _place(url: str) -> tuple[str, int]:
    host, _, port = url.partition("://")[2].rpartition("@")[2].partition("/")[0].partition(":")
    return host, int(port)
