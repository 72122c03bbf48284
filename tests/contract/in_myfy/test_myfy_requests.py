"""C6: what a myfy request stores when things go wrong around the handler, and how tests stand in for the database."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

NOTES = """
    from myfy.core import REQUEST, Application, provider
    from myfy.web import route
    from sqlalchemy import func, select
    from sqlalchemy.orm import Mapped, mapped_column
    from starlette.background import BackgroundTask
    from starlette.responses import JSONResponse, StreamingResponse
    from myfy_data import AsyncSession, Base, CommitOutcomeUnknown, DataModule, SessionFactory

    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str]

    class Ghost: ...
    class Late: ...

    @provider(scope=REQUEST)
    def ghost(session: AsyncSession) -> Ghost:
        session.add(Note(text="ghost"))
        return Ghost()

    @provider(scope=REQUEST)
    def late(ghost: Ghost) -> Late:
        raise RuntimeError("this dependency fails after the other has added a row")

    app = Application()
    data = DataModule(auto_create_tables=True, metadata=Base.metadata)
    app.add_module(data)

    @route.get("/count")
    async def count(session: AsyncSession) -> dict:
        return {"rows": await session.scalar(select(func.count(Note.id))), "out": data.pool_status().checked_out}

    @route.post("/never-runs")
    async def never_runs(session: AsyncSession, late: Late) -> dict:
        return {}

    @route.post("/ghost")
    async def with_ghost(session: AsyncSession, ghost: Ghost) -> dict:
        return {}

    @route.post("/strange")
    async def strange(session: AsyncSession) -> object:
        session.add(Note(text="an answer that JSON cannot say"))
        await session.flush()
        return {"answer": object()}

    @route.post("/returned/{status}")
    async def returned(status: int, session: AsyncSession) -> JSONResponse:
        session.add(Note(text="returned"))
        return JSONResponse({}, status_code=status)

    @route.post("/unknown")
    async def unknown(session: AsyncSession) -> dict:
        raise CommitOutcomeUnknown("default", "no answer")

    @route.post("/sync")
    def sync(session: AsyncSession) -> dict:
        session.add(Note(text="sync"))
        return {}

    @route.post("/commit-then-raise")
    async def commit_then_raise(session: AsyncSession) -> dict:
        session.add(Note(text="kept"))
        await session.commit()
        session.add(Note(text="lost"))
        await session.flush()
        raise RuntimeError

    @route.post("/background")
    async def background(session: AsyncSession, factory: SessionFactory) -> JSONResponse:
        session.add(Note(text="first"))

        async def add_as_many_again() -> None:
            async with factory.session_context() as own:
                seen = await own.scalar(select(func.count(Note.id)))
                own.add_all([Note(text="again") for _ in range(seen)])

        return JSONResponse({}, background=BackgroundTask(add_as_many_again))

    @route.post("/stream")
    async def stream(session: AsyncSession) -> StreamingResponse:
        session.add(Note(text="before the stream"))

        async def body():
            try:
                await session.scalar(select(func.count(Note.id)))
            except Exception as error:
                yield '"' + str(error).splitlines()[1].strip() + '"'

        return StreamingResponse(body())
"""

NOTHING = {"rows": 0, "out": 0}


@pytest.mark.parametrize(
    ("path", "status", "rows"),
    [
        ("/never-runs", 500, 0),
        ("/ghost", 200, 1),
        ("/strange", 500, 0),
        ("/returned/201", 201, 1),
        ("/returned/303", 303, 1),
        ("/returned/409", 409, 0),
        ("/returned/500", 500, 0),
        ("/unknown", 503, 0),
        ("/sync", 200, 1),
        ("/commit-then-raise", 500, 1),
        ("/background", 200, 2),
    ],
)
def test_what_is_answered_is_what_is_stored(application: Applications, path: str, status: int, rows: int) -> None:
    application.write(NOTES)

    asked, counted = application.run(("POST", path), ("GET", "/count"))

    assert (asked[0], counted) == (status, (200, {"rows": rows, "out": 1}))


def test_a_stream_is_told_to_open_a_session_of_its_own(application: Applications) -> None:
    application.write(NOTES)

    asked, counted = application.run(("POST", "/stream"), ("GET", "/count"))

    assert asked[1] == "fix: in a stream or a background task, open one there: `async with data.session() as session:`"
    assert counted[1]["rows"] == 1


OVERRIDE = """
    from contextlib import asynccontextmanager
    from unittest.mock import AsyncMock

    stand_in = AsyncMock()
    stand_in.scalar.return_value = 42
    inner = app.create_lifespan()

    @asynccontextmanager
    async def lifespan(asgi):
        async with inner(asgi):
            with app.container.override({AsyncSession: lambda: stand_in}):
                yield

    app.create_lifespan = lambda: lifespan
"""


def test_tests_may_override_the_session(application: Applications) -> None:
    application.write(NOTES + OVERRIDE)

    assert application.run(("GET", "/count")) == [(200, {"rows": 42, "out": 0})]
