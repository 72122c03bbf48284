"""What is Litestar's own: plugins, dependencies, lifespans, files and websockets (contract C6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar import Controller, Litestar, Request, Response, Router, WebSocket, get, head, post, websocket
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.response import File, Redirect, Stream
from litestar.testing import AsyncTestClient
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DataModule, DataModuleError, DataModuleNotConfiguredError, SessionError
from myfy_data.integrations import litestar as litestar_adapter
from myfy_data.integrations.litestar import DataPlugin
from tests.hosts.client import connect, request, started, told
from tests.hosts.conftest import Local
from tests.hosts.tables import Note, count_notes

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a class of Litestar's own since 2.23


class Conflict(Exception):
    """Handled by answers of 200."""


@post("/raise")
async def store_and_raise(session: AsyncSession) -> None:
    session.add(Note(text="a"))
    await session.flush()
    raise Conflict


@post("/store", status_code=200)
async def store(session: AsyncSession) -> str:
    session.add(Note(text="a"))
    return "stored"


def answer_200(_request: Request[Any, Any, Any], _error: Exception) -> Response[str]:
    return Response("handled", status_code=200)


def application(local: Local, *handlers: Any, **options: Any) -> Litestar:
    return Litestar(list(handlers), plugins=[DataPlugin(local.data)], **options)


async def test_existing_lifespans_are_kept_and_find_the_module_running(local: Local) -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with local.data.session() as session:
            seen.append(await count_notes(session, ""))
        yield
        seen.append("stopped")

    async with started(application(local, lifespan=[lifespan])):
        seen.append("running")

    assert seen == [0, "running", "stopped"]


@pytest.mark.parametrize("level", ["handler", "controller", "router", "application"])
async def test_a_handler_of_exceptions_rolls_back_at_every_level(local: Local, level: str) -> None:
    handlers = {Conflict: answer_200}

    class Notes(Controller):
        path = "/"
        exception_handlers = handlers if level == "controller" else {}

        @post("/raise", exception_handlers=handlers if level == "handler" else {})
        async def store_and_raise(self, session: AsyncSession) -> None:
            session.add(Note(text="a"))
            await session.flush()
            raise Conflict

    router = Router("/", route_handlers=[Notes], exception_handlers=handlers if level == "router" else {})
    app = application(local, router, exception_handlers=handlers if level == "application" else {})
    async with started(app):
        answer = await request(app, "/raise", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, "handled", 0)


async def test_an_error_of_commit_reaches_the_handler_for_it(local: Local) -> None:
    @post("/twice")
    async def twice(session: AsyncSession) -> None:
        session.add_all([Note(text="a"), Note(text="a")])

    def conflict(_request: Request[Any, Any, Any], error: Exception) -> Response[str]:
        return Response(type(error).__name__, status_code=409)

    app = application(local, twice, exception_handlers={Exception: conflict})
    async with started(app):
        answer = await request(app, "/twice", "POST")

    assert (answer.status, answer.text, await local.stored()) == (409, "IntegrityError", 0)


async def test_an_own_handler_for_unknown_outcomes_wins(local: Local) -> None:
    @get("/")
    async def unknown() -> None:
        raise CommitOutcomeUnknown("main", "the line broke")

    ours, theirs = (
        application(local, unknown),
        application(local, unknown, exception_handlers={CommitOutcomeUnknown: answer_200}),
    )

    assert [(await request(app, "/")).status for app in (ours, theirs)] == [503, 200]


@get("/analytics")
async def analytics(analytcs_session: AsyncSession) -> None: ...


class Reports(Controller):
    """Asks for a session whose name is misspelt."""

    @get("/reports")
    async def reports(self, sesion: AsyncSession) -> None: ...


async def provide_repository(secnd_session: AsyncSession) -> int:
    return 1


@get("/repository", dependencies={"repository": Provide(provide_repository)})
async def by_dependency(repository: int) -> None: ...


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (analytics, r"handler .*\.analytics, parameter 'analytcs_session'.*known: session, main_session, second_"),
        (Reports, r"handler .*Reports\.reports, parameter 'sesion'.* Did you mean 'session'\?\n  fix: .* session$"),
        (by_dependency, r"dependency 'repository', parameter 'secnd_session'.* Did you mean 'second_session'\?"),
    ],
)
async def test_a_misspelt_session_stops_the_making_of_the_application(local: Local, handler: Any, message: str) -> None:
    with pytest.raises(DataModuleError, match=message):
        application(local, handler)


async def test_sessions_of_other_dependencies_are_left_alone(local: Local) -> None:
    @get("/")
    async def own(mine: AsyncSession, second_session: AsyncSession, q: int = 0) -> str:
        return f"{mine is second_session}"

    async def provide_mine(second_session: AsyncSession) -> AsyncSession:
        return second_session

    app = application(local, own, dependencies={"mine": Provide(provide_mine)})
    async with started(app):
        assert (await request(app, "/")).text == "True"


async def test_a_second_plugin_is_refused(local: Local) -> None:
    with pytest.raises(DataModuleError, match="another DataPlugin already\n  fix: one plugin"):
        Litestar([], plugins=[DataPlugin(local.data), DataPlugin(DataModule(), session_key="x_session")])


async def test_a_dependency_of_the_applications_own_is_refused(local: Local) -> None:
    async def provide() -> int:
        return 1

    with pytest.raises(DataModuleError, match="a dependency 'session' of its own"):
        application(local, dependencies={"session": Provide(provide)})


async def test_a_websocket_is_told_to_open_a_session(local: Local) -> None:
    @websocket("/ws")
    async def socket(socket: WebSocket[Any, Any, Any], session: AsyncSession) -> None: ...

    errors: list[Exception] = []
    app = application(local, socket, after_exception=[lambda error, _scope: errors.append(error)])
    async with started(app):
        await connect(app, "/ws")

    assert "async with data.session() as session" in told(errors[0], DataModuleNotConfiguredError)


async def test_the_session_in_a_stream_raises_with_the_fix(local: Local) -> None:
    @get("/")
    async def stream(session: AsyncSession) -> Stream:
        session.add(Note(text="a"))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"begun"
            await session.execute(Note.__table__.select())

        return Stream(chunks())

    app = application(local, stream)
    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (200, 1)
    assert "async with data.session() as session" in told(answer.raised, SessionError)


async def test_files_redirects_and_heads_commit(local: Local, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("words")

    @get("/file")
    async def file(session: AsyncSession) -> File:
        session.add(Note(text="file"))
        return File(tmp_path / "page")

    @get("/redirect")
    async def redirect(session: AsyncSession) -> Redirect:
        session.add(Note(text="redirect"))
        return Redirect("/file")

    @head("/head")
    async def only_head(session: AsyncSession) -> None:
        session.add(Note(text="head"))

    app = application(local, file, redirect, only_head)
    async with started(app):
        answers = [await request(app, "/file"), await request(app, "/redirect"), await request(app, "/head", "HEAD")]

    assert [answer.status for answer in answers] == [200, 302, 200]
    assert await local.stored() == 3


async def test_compression_does_not_begin_before_the_commit(local: Local) -> None:
    stored = []

    @get("/")
    async def stream(session: AsyncSession) -> Stream:
        session.add(Note(text="a"))

        async def chunks() -> AsyncIterator[bytes]:
            stored.append(await local.stored())
            yield b"x" * 10_000

        return Stream(chunks())

    app = application(local, stream, compression_config=CompressionConfig("gzip", minimum_size=1))
    async with started(app):
        answer = await request(app, "/", headers=[(b"accept-encoding", b"gzip")])

    assert (answer.status, stored) == (200, [1])
    assert (b"content-encoding", b"gzip") in answer.messages[0]["headers"]


async def test_a_status_that_middleware_changes_afterwards_changes_nothing(local: Local) -> None:
    def teapot(app: Any) -> Any:
        async def changed(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, lambda message: send({**message, "status": 418}))

        return changed

    app = application(local, store, middleware=[teapot])
    async with started(app):
        answer = await request(app, "/store", "POST")

    assert (answer.status, await local.stored()) == (418, 1)


async def test_a_client_whose_application_runs_in_a_thread_stops_it_although_the_test_used_the_module(
    local: Local,
) -> None:
    """It blocks the test's event loop until the application has stopped, which must not wait for that loop."""
    async with AsyncTestClient(application(local, store)) as client:
        async with local.data.session() as session:
            before = await count_notes(session, "")
        answer = await client.post("/store")

    assert (before, answer.text) == (0, "stored")
    assert await local.stored() == 1


async def test_a_route_that_litestar_does_not_run_by_our_class_is_an_error_and_stores_nothing(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litestar_adapter, "in_unit_of_work", lambda kind, _data: kind)
    app = application(local, store)

    async with started(app):
        answer = await request(app, "/store", "POST")

    assert (answer.status, await local.stored()) == (500, 0)
