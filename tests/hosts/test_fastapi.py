"""What is FastAPI's own: dependencies, routers, overrides and the OpenAPI page (contract C6)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import (
    DataModule,
    DataModuleError,
    DataModuleNotConfiguredError,
    ReadOnlySessionError,
    SessionError,
    UnknownProfileError,
)
from myfy_data.integrations.fastapi import Session, SessionDependency, session_for, setup
from tests.hosts.client import connect, request, started, told
from tests.hosts.conftest import Local
from tests.hosts.tables import Note, count_notes

Second = session_for("second")
SecondTyped = Annotated[AsyncSession, Depends(SessionDependency("second"))]
Misspelt = session_for("secnd")
Reader = session_for("main", read_only=True)


class Conflict(Exception):
    """Handled by an answer of 200."""


async def answer_200(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("handled")


def raising(**options: Any) -> Any:
    """A router or an application with a route that stores and raises."""

    async def store_and_raise(session: Session) -> None:
        session.add(Note(text="a"))
        await session.flush()
        raise Conflict

    target = FastAPI(**options) if options else APIRouter()
    target.post("/raise")(store_and_raise)
    return target


@pytest.fixture
def app(local: Local) -> FastAPI:
    """An application that has our adapter, and no route yet."""
    app = FastAPI(exception_handlers={Conflict: answer_200})
    setup(app, local.data)
    return app


async def test_an_existing_lifespan_is_kept_and_finds_the_module_running(local: Local) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, int]]:
        async with local.data.session() as session:
            yield {"rows": await count_notes(session, "")}

    app = FastAPI(lifespan=lifespan)
    setup(app, local.data)

    async with started(app) as state:
        assert state == {"rows": 0}


def include(app: FastAPI) -> None:
    app.include_router(raising(), prefix="/sub")


def include_twice(app: FastAPI) -> None:
    outer = APIRouter(prefix="/sub")
    outer.include_router(raising())
    app.include_router(outer)


def mount(app: FastAPI) -> None:
    app.mount("/sub", raising(exception_handlers={Conflict: answer_200}))


def mount_in_a_router(app: FastAPI) -> None:
    router = APIRouter()
    router.mount("/inner", raising(exception_handlers={Conflict: answer_200}))
    app.include_router(router, prefix="/sub")


async def test_an_application_mounted_in_a_router_rolls_back(local: Local, app: FastAPI) -> None:
    mount_in_a_router(app)
    async with started(app):
        answer = await request(app, "/sub/inner/raise", "POST")

    assert answer.status in (200, 404)  # FastAPI that copies a router's routes leaves mounted applications out
    assert await local.stored() == 0


@pytest.mark.parametrize("place", [include, include_twice, mount])
async def test_a_handler_of_exceptions_rolls_back_wherever_it_stands(
    local: Local, app: FastAPI, place: Callable[[FastAPI], None]
) -> None:
    place(app)
    async with started(app):
        answer = await request(app, "/sub/raise", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, "handled", 0)


def on_the_application(app: FastAPI) -> None:
    @app.get("/")
    async def misspelt(session: Misspelt) -> None: ...


def in_an_included_router(app: FastAPI) -> None:
    router = APIRouter()
    router.get("/")(_asks_for_misspelt)
    outer = APIRouter()
    outer.include_router(router, prefix="/inner")
    app.include_router(outer, prefix="/outer")


def in_a_mounted_application(app: FastAPI) -> None:
    inner = FastAPI()
    in_an_included_router(inner)
    app.mount("/sub", inner)


def in_a_dependency_of_a_dependency(app: FastAPI) -> None:
    @app.get("/")
    async def handler(found: Annotated[int, Depends(_repository)]) -> None: ...


def in_a_dependency_of_a_router(app: FastAPI) -> None:
    router = APIRouter(dependencies=[Depends(_asks_for_misspelt)])

    @router.get("/")
    async def handler() -> None: ...

    app.include_router(router)


def where_a_router_is_included(app: FastAPI) -> None:
    router = APIRouter()

    @router.get("/")
    async def handler() -> None: ...

    app.include_router(router, prefix="/sub", dependencies=[Depends(_asks_for_misspelt)])


async def _asks_for_misspelt(session: Misspelt) -> int:
    return 1


async def _repository(count: Annotated[int, Depends(_asks_for_misspelt)]) -> int:
    return count


@pytest.mark.parametrize(
    "place",
    [
        on_the_application,
        in_an_included_router,
        where_a_router_is_included,
        in_a_mounted_application,
        in_a_dependency_of_a_dependency,
        in_a_dependency_of_a_router,
    ],
)
async def test_a_misspelt_profile_stops_the_start(app: FastAPI, place: Callable[[FastAPI], None]) -> None:
    place(app)

    with pytest.raises((UnknownProfileError, RuntimeError), match=r"Did you mean 'second'\?"):
        async with started(app):
            pytest.fail("it started")


async def test_a_profile_that_is_there_starts_and_starts_again(app: FastAPI) -> None:
    @app.get("/")
    async def handler(session: Session, second: Second, again: Session) -> list[bool]:
        return [session is again, session is second]

    for _ in range(2):
        async with started(app):
            assert (await request(app, "/")).text == "[true,false]"


async def test_the_openapi_page_shows_nothing_of_the_session(app: FastAPI) -> None:
    @app.get("/notes/{number}")
    async def handler(number: int, session: Session, second: Second) -> int:
        return number

    description = app.openapi()

    parameters = description["paths"]["/notes/{number}"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["number"]
    assert "ession" not in str(description)


async def test_a_session_can_be_overridden_by_profile(local: Local, app: FastAPI) -> None:
    @app.get("/")
    async def handler(session: Session, second: Second) -> list[str]:
        return [str(session), str(second)]

    app.dependency_overrides[SessionDependency("second")] = lambda: "mine"
    async with started(app):
        assert '"mine"' in (await request(app, "/")).text


async def test_what_a_dependency_raises_after_its_yield_is_told_or_too_late(local: Local, app: FastAPI) -> None:
    """FastAPI ends dependencies after the response since 0.118, and before it earlier: the answer is true in both."""

    async def dependency(session: Session) -> AsyncIterator[None]:
        session.add(Note(text="a"))
        yield
        raise Conflict

    @app.get("/", dependencies=[Depends(dependency)])
    async def handler() -> str:
        return "stored"

    async with started(app):
        answer = await request(app, "/")

    assert (answer.text, await local.stored()) in {('"stored"', 1), ("handled", 0)}


async def test_a_dependency_that_raises_before_the_handler_rolls_back(local: Local, app: FastAPI) -> None:
    async def dependency(session: Session) -> None:
        session.add(Note(text="a"))
        await session.flush()
        raise HTTPException(401)

    @app.get("/", dependencies=[Depends(dependency)])
    async def handler() -> None: ...

    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (401, 0)


async def test_a_refused_request_rolls_back(local: Local, app: FastAPI) -> None:
    async def dependency(session: Session) -> None:
        session.add(Note(text="a"))
        await session.flush()

    @app.get("/{number}", dependencies=[Depends(dependency)])
    async def handler(number: int) -> None: ...

    async with started(app):
        answer = await request(app, "/no-number")

    assert (answer.status, await local.stored()) == (422, 0)


async def test_an_answer_that_does_not_fit_its_model_rolls_back(local: Local, app: FastAPI) -> None:
    @app.get("/")
    async def handler(session: Session) -> int:
        session.add(Note(text="a"))
        return "no number"  # type: ignore[return-value]  # the point

    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (500, 0)


async def test_background_tasks_see_the_row(local: Local, app: FastAPI) -> None:
    seen = []

    async def look() -> None:
        seen.append(await local.stored())

    @app.get("/")
    async def handler(session: Session, tasks: BackgroundTasks) -> None:
        session.add(Note(text="a"))
        tasks.add_task(look)

    async with started(app):
        await request(app, "/")

    assert seen == [1]


async def test_redirects_and_heads_commit(local: Local, app: FastAPI) -> None:
    @app.get("/")
    @app.head("/")
    async def handler(session: Session) -> Response:
        session.add(Note(text=f"note {secrets.token_hex(8)}"))
        return RedirectResponse("/elsewhere")

    async with started(app):
        statuses = [(await request(app, "/", method)).status for method in ("GET", "HEAD")]

    assert (statuses, await local.stored()) == ([307, 307], 2)


async def test_a_websocket_is_told_to_open_a_session(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def socket(websocket: WebSocket, session: Session) -> None: ...

    async with started(app):
        with pytest.raises(DataModuleNotConfiguredError, match=r"async with data\.session\(\) as session"):
            await connect(app, "/ws")


async def test_the_session_in_a_stream_raises_with_the_fix(local: Local, app: FastAPI) -> None:
    @app.get("/")
    async def stream(session: Session) -> Response:
        session.add(Note(text="a"))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"begun"
            await count_notes(session, "")

        return StreamingResponse(chunks())

    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, await local.stored()) == (200, 1)
    assert "async with data.session() as session" in told(answer.raised, SessionError)


async def test_two_tasks_on_one_session_are_told(local: Local, app: FastAPI) -> None:
    @app.get("/")
    async def handler(session: Session) -> None:
        await asyncio.gather(count_notes(session, ""), count_notes(session, ""))

    async with started(app):
        answer = await request(app, "/")

    assert "two tasks" in told(answer.raised, SessionError)


async def test_another_module_and_a_late_setup_are_refused(local: Local, app: FastAPI) -> None:
    setup(app, local.data)
    with pytest.raises(DataModuleError, match="another DataModule already"):
        setup(app, DataModule())

    late = FastAPI()
    async with started(late):
        with pytest.raises(DataModuleError, match="has started already"):
            setup(late, local.data)


async def test_what_a_type_checker_is_told_is_what_is_injected(app: FastAPI) -> None:
    @app.get("/")
    async def handler(session: Session, second: Second, same: SecondTyped) -> bool:
        return isinstance(session, AsyncSession) and second is same

    async with started(app):
        assert (await request(app, "/")).text == "true"


async def test_a_session_that_only_reads_stands_beside_the_request_s_own(local: Local, app: FastAPI) -> None:
    """What it reads was stored before the request; it refuses to write, which takes nothing from the other one."""

    @app.post("/")
    async def store(session: Session, reader: Reader, again: Reader) -> list[Any]:
        before = await count_notes(reader, "")
        session.add(Note(text="a"))
        await session.flush()
        with pytest.raises(ReadOnlySessionError):
            await reader.execute(insert(Note).values(text="b"))
        await reader.rollback()
        return [before, reader is again, reader is session]

    async with started(app):
        answer = await request(app, "/", "POST")

    assert (answer.status, answer.text, await local.stored()) == (200, "[0,true,false]", 1)
