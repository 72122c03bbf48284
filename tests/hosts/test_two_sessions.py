"""A handler that reads with its injected session, and calls something that opens a session of its own, on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from myfy_data.integrations.fastapi import Session, setup
from tests.hosts.client import request, started
from tests.hosts.conftest import Local
from tests.hosts.tables import Note, count_notes

Work = Callable[[Local], Awaitable[None]]


async def enqueue(local: Local) -> None:
    """A job queue that opens a session of its own."""
    async with local.data.session() as session:
        session.add(Note(text="job"))


async def enqueue_by_factory(local: Local) -> None:
    async with async_sessionmaker(local.data.get_engine())() as session, session.begin():
        session.add(Note(text="job"))


async def enqueue_by_engine(local: Local) -> None:
    async with local.data.get_engine().begin() as connection:
        await connection.execute(Note.__table__.insert(), {"text": "job"})


async def enqueue_in_a_task(local: Local) -> None:
    await asyncio.create_task(enqueue(local))


@pytest.mark.parametrize("work", [enqueue, enqueue_by_factory, enqueue_by_engine, enqueue_in_a_task])
async def test_a_library_writes_while_the_injected_session_has_read(local: Local, work: Work) -> None:
    app = FastAPI()
    setup(app, local.data)

    @app.post("/")
    async def handle(session: Session) -> int:
        before = await count_notes(session, "")
        await work(local)
        return before + await count_notes(session, "")

    async with started(app):
        answer = await request(app, "/", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, "0", 1)


async def test_what_the_injected_session_writes_afterwards_is_refused_and_nothing_of_it_stored(local: Local) -> None:
    app = FastAPI()
    setup(app, local.data)

    @app.post("/")
    async def handle(session: Session) -> None:
        await count_notes(session, "")
        await enqueue(local)
        session.add(Note(text="mine"))

    async with started(app):
        answer = await request(app, "/", "POST")

    assert answer.status >= 500
    assert (await local.stored("mine"), await local.stored("job")) == (0, 1)


async def test_where_the_injected_session_has_written_the_library_is_told_at_once(local: Local) -> None:
    app = FastAPI()
    setup(app, local.data)

    @app.post("/")
    async def handle(session: Session) -> str:
        await store(session)
        try:
            await enqueue(local)
        except Exception as error:  # noqa: BLE001 - its name is looked at
            return type(error).__name__
        return ""

    async with started(app):
        answer = await request(app, "/", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, '"SelfDeadlock"', 1)


async def store(session: AsyncSession) -> None:
    session.add(Note(text="mine"))
    await session.flush()
