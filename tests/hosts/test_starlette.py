"""What is Starlette's own: lifespans, mounts, middleware, files and websockets (contract C6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from myfy_data import CommitOutcomeUnknown, DataModule, DataModuleError, DataModuleNotConfiguredError, SessionError
from myfy_data.integrations.starlette import get_session, setup
from tests.hosts.client import connect, request, started, told
from tests.hosts.conftest import Local
from tests.hosts.tables import Note, count_notes


class Conflict(Exception):
    """Handled by an answer of 200."""


async def store(request: Request) -> Response:
    get_session(request).add(Note(text="a"))
    return PlainTextResponse("stored")


async def store_and_raise(request: Request) -> Response:
    session = get_session(request)
    session.add(Note(text="a"))
    await session.flush()
    raise Conflict


async def answer_200(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("handled")


HANDLERS: dict[Any, Any] = {Conflict: answer_200}


def application(local: Local, *routes: Any, **options: Any) -> Starlette:
    app = Starlette(routes=list(routes), **options)
    setup(app, local.data)
    return app


async def test_an_existing_lifespan_is_kept_and_finds_the_module_running(local: Local) -> None:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, int]]:
        async with local.data.session() as session:
            yield {"rows": await count_notes(session, "")}

    async with started(application(local, lifespan=lifespan)) as state:
        assert state == {"rows": 0}

    with pytest.raises(DataModuleNotConfiguredError):
        local.data.session()


MOUNTS: dict[str, Callable[[], Any]] = {
    "an application": lambda: Mount("/sub", Starlette(routes=[RAISING], exception_handlers=HANDLERS)),
    "an application inside middleware": lambda: Mount(
        "/sub", GZipMiddleware(Starlette(routes=[RAISING], exception_handlers=HANDLERS))
    ),
    "an application in a mounted application": lambda: Mount(
        "/", Starlette(routes=[Mount("/sub", Starlette(routes=[RAISING], exception_handlers=HANDLERS))])
    ),
    "an application in a mounted list of routes": lambda: Mount(
        "/", routes=[Mount("/sub", Starlette(routes=[RAISING], exception_handlers=HANDLERS))]
    ),
    "a router": lambda: Mount("/sub", Router([RAISING])),
    "a list of routes": lambda: Mount("/sub", routes=[RAISING]),
    "a route": lambda: Route("/sub/raise", store_and_raise, methods=["POST"]),
}
RAISING = Route("/raise", store_and_raise, methods=["POST"])


@pytest.mark.parametrize("late", [False, True], ids=["before setup", "after setup"])
@pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS.keys())
async def test_a_handler_of_exceptions_rolls_back_wherever_it_stands(
    local: Local, mount: Callable[[], Any], late: bool
) -> None:
    app = application(local, *([] if late else [mount()]), exception_handlers=HANDLERS)
    if late:
        app.router.routes.append(mount())
    async with started(app):
        answer = await request(app, "/sub/raise", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, "handled", 0)


async def test_a_mounted_application_commits(local: Local) -> None:
    app = application(local, Mount("/sub", Starlette(routes=[Route("/store", store)])))
    async with started(app):
        answer = await request(app, "/sub/store")

    assert (answer.status, await local.stored()) == (200, 1)


@pytest.mark.parametrize("key", [Exception, 500], ids=["Exception", "500"])
async def test_a_handler_of_everything_answers_after_the_roll_back(local: Local, key: Any) -> None:
    app = application(local, RAISING, exception_handlers={key: answer_200})
    async with started(app):
        answer = await request(app, "/raise", "POST")

    assert (answer.status, await local.stored(), type(answer.raised)) == (200, 0, Conflict)


async def test_an_error_of_commit_reaches_the_handler_for_it(local: Local) -> None:
    async def twice(request: Request) -> Response:
        get_session(request).add_all([Note(text="a"), Note(text="a")])
        return PlainTextResponse("stored", background=BackgroundTask(pytest.fail, "must not run"))

    async def conflict(_request: Request, error: Exception) -> Response:
        return PlainTextResponse(type(error).__name__, 409)

    app = application(local, Route("/", twice), exception_handlers={IntegrityError: conflict})
    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, answer.text, answer.raised) == (409, "IntegrityError", None)
    assert await local.stored() == 0


async def test_an_own_handler_for_unknown_outcomes_wins(local: Local) -> None:
    async def unknown(_request: Request) -> Response:
        raise CommitOutcomeUnknown("main", "the line broke")

    ours, theirs = (
        application(local, Route("/", unknown), exception_handlers=handlers)
        for handlers in ({}, {CommitOutcomeUnknown: answer_200})
    )

    assert [(await request(app, "/")).status for app in (ours, theirs)] == [503, 200]


async def test_a_websocket_is_told_to_open_a_session(local: Local) -> None:
    async def socket(websocket: WebSocket) -> None:
        get_session(websocket)

    app = application(local, WebSocketRoute("/ws", socket))

    with pytest.raises(DataModuleNotConfiguredError, match=r"async with data\.session\(\) as session"):
        await connect(app, "/ws")


async def test_the_session_in_a_stream_raises_with_the_fix(local: Local) -> None:
    async def stream(request: Request) -> Response:
        session = get_session(request)
        session.add(Note(text="a"))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"begun"
            await count_notes(session, "")

        return StreamingResponse(chunks())

    app = application(local, Route("/", stream))
    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (200, 1)
    assert "async with data.session() as session" in told(answer.raised, SessionError)


async def test_the_session_in_a_background_task_raises_with_the_fix(local: Local) -> None:
    async def in_background(request: Request) -> Response:
        session = get_session(request)
        session.add(Note(text="a"))
        return PlainTextResponse("", background=BackgroundTask(count_notes, session, ""))

    app = application(local, Route("/", in_background))
    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (200, 1)
    assert "async with data.session() as session" in told(answer.raised, SessionError)


async def test_setup_twice_is_setup_once(local: Local) -> None:
    app = application(local, Route("/", store))
    setup(app, local.data)
    async with started(app):
        assert (await request(app, "/")).status == 200


async def test_setup_after_the_start_is_refused(local: Local) -> None:
    app = Starlette()
    async with started(app):
        with pytest.raises(DataModuleError, match="has started already\n  fix: "):
            setup(app, local.data)


async def test_another_module_is_refused(local: Local) -> None:
    app = application(local)

    with pytest.raises(DataModuleError, match="another DataModule already\n  fix: one module"):
        setup(app, DataModule())


async def test_without_setup_a_session_says_what_is_missing() -> None:
    answer = await request(Starlette(routes=[Route("/", store)]), "/")

    assert "fix: setup(app, data) where the app is made" in told(answer.raised, DataModuleNotConfiguredError)


async def test_an_application_that_was_not_started_serves(local: Local) -> None:
    """Some tests and serverless platforms run no lifespan."""
    await local.data.start()
    answer = await request(application(local, Route("/", store)), "/")
    await local.data.stop()

    assert (answer.status, await local.stored()) == (200, 1)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_is_sent_after_the_commit(local: Local, tmp_path: Path, method: str) -> None:
    (tmp_path / "page").write_text("words")

    async def file(request: Request) -> Response:
        get_session(request).add(Note(text="a"))
        return FileResponse(tmp_path / "page")

    app = application(local, Route("/", file))
    async with started(app):
        answer = await request(app, "/", method)

    assert (answer.status, answer.text, await local.stored()) == (200, "words" if method == "GET" else "", 1)


RESPONSES: dict[str, list[dict[str, Any]]] = {
    "in parts, with trailers": [
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": True},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b", "more_body": False},
        {"type": "http.response.trailers", "headers": [(b"x", b"y")], "more_trailers": False},
    ],
    "as a path": [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.pathsend", "path": "/page"},
    ],
    "as an open file": [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.zerocopysend", "file": 1},
    ],
}


@pytest.mark.parametrize("messages", RESPONSES.values(), ids=RESPONSES.keys())
async def test_a_response_passes_as_it_is_after_the_commit(local: Local, messages: list[dict[str, Any]]) -> None:
    seen = []

    class Endpoint:
        async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
            get_session(Request(scope)).add(Note(text="a"))
            for message in messages:
                await send(message)
                seen.append(await local.stored())

    app = application(local, Route("/", Endpoint()))
    async with started(app):
        answer = await request(app, "/")

    assert (answer.messages, set(seen)) == (messages, {1})


class Teapot(BaseHTTPMiddleware):
    """Changes every status."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.status_code = 418
        return response


AROUND = [Middleware(GZipMiddleware, minimum_size=1), Middleware(Teapot)]


async def test_middleware_that_changes_body_and_status_changes_no_outcome(local: Local) -> None:
    app = application(local, Route("/", store), middleware=AROUND)
    async with started(app):
        answer = await request(app, "/", headers=[(b"accept-encoding", b"gzip")])

    assert (answer.status, await local.stored()) == (418, 1)
    assert (b"content-encoding", b"gzip") in answer.messages[0]["headers"]


async def test_a_failed_commit_inside_middleware_is_an_error(local: Local) -> None:
    async def twice(request: Request) -> Response:
        get_session(request).add_all([Note(text="a"), Note(text="a")])
        return StreamingResponse(_pytest_fails())

    app = application(local, Route("/", twice), middleware=AROUND)
    async with started(app):
        answer = await request(app, "/", headers=[(b"accept-encoding", b"gzip")])

    assert (answer.status, answer.text, await local.stored()) == (500, "Internal Server Error", 0)


async def _pytest_fails() -> AsyncIterator[bytes]:
    pytest.fail("the body must not be made")
    yield b""
