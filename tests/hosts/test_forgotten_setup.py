"""An application for which `setup` was forgotten says so when it starts, and not to its first client (contract C6)."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from myfy_data.integrations import fastapi, starlette
from myfy_data.integrations.fastapi import Session, SessionDependency, session_for
from myfy_data.integrations.starlette import get_session
from tests.hosts.client import request, started
from tests.hosts.conftest import Local
from tests.sandbox import Sandbox

Second = session_for("second")
FORGOTTEN = r"`setup` was not called for this application, which asks for a session at {}\n  fix: setup\(app, data\)"

Handler = Callable[[Request], Awaitable[Response]]


class Around:
    """A middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, *scope_receive_send: Any) -> None:
        await self.app(*scope_receive_send)


# -- ways to ask for a session -----------------------------------------------------------------------------------------


async def by_its_name(request: Request) -> Response:
    return PlainTextResponse(str(get_session(request)))


async def by_the_module(request: Request) -> Response:
    return PlainTextResponse(str(starlette.get_session(request)))


async def by_an_import(request: Request) -> Response:
    from myfy_data.integrations.starlette import get_session as ours  # noqa: PLC0415 - what is tested

    return PlainTextResponse(str(ours(request)))


async def in_a_function_of_its_own(request: Request) -> Response:
    def ask() -> str:
        return str(get_session(request))

    return PlainTextResponse(ask())


@functools.lru_cache
def wrapped(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(request: Request) -> Response:
        return await handler(request)

    return wrapper


class AsAClass(HTTPEndpoint):
    """An endpoint of Starlette's that is a class."""

    async def get(self, request: Request) -> Response:
        return PlainTextResponse(str(get_session(request)))


async def asks_for_nothing(_request: Request) -> Response:
    return PlainTextResponse("nothing")


ASKING = [by_its_name, by_the_module, by_an_import, in_a_function_of_its_own, wrapped(by_its_name), AsAClass]


def starlette_app(endpoint: Any, **options: Any) -> Starlette:
    return Starlette(routes=[Route("/", asks_for_nothing), Route("/asks", endpoint)], **options)


@pytest.mark.parametrize("endpoint", ASKING)
async def test_starlette_says_at_start_that_setup_was_forgotten(endpoint: Any) -> None:
    with pytest.raises(RuntimeError, match=FORGOTTEN.format("/asks")):
        async with started(starlette_app(endpoint)):
            pass


@pytest.mark.parametrize("endpoint", ASKING)
async def test_with_setup_the_same_application_starts(local: Local, endpoint: Any) -> None:
    app = starlette_app(endpoint)
    starlette.setup(app, local.data)

    async with started(app):
        assert "Session" in (await request(app, "/asks")).text


def on_the_application(app: FastAPI) -> str:
    @app.get("/asks")
    async def handler(session: Session) -> str:
        return str(session)

    return "/asks"


def of_another_profile(app: FastAPI) -> str:
    @app.get("/asks")
    async def handler(session: Second) -> str:
        return str(session)

    return "/asks"


def in_an_included_router(app: FastAPI) -> str:
    router = APIRouter()
    router.get("/asks")(_repository)
    app.include_router(router, prefix="/sub")
    return "/sub/asks"


def in_a_dependency_of_a_dependency(app: FastAPI) -> str:
    @app.get("/asks")
    async def handler(found: Annotated[str, Depends(_repository)]) -> str:
        return found

    return "/asks"


def where_a_router_is_included(app: FastAPI) -> str:
    router = APIRouter()

    @router.get("/asks")
    async def handler() -> str:
        return "Session"

    app.include_router(router, dependencies=[Depends(_repository)])
    return "/asks"


def in_a_dependency_by_hand(app: FastAPI) -> str:
    @app.get("/asks")
    async def handler(found: Annotated[str, Depends(_by_hand)]) -> str:
        return found

    return "/asks"


def in_a_mounted_application(app: FastAPI) -> str:
    inner = FastAPI()
    path = on_the_application(inner)
    app.mount("/sub", Around(inner))
    return f"/sub{path}"


async def _by_hand(request: Request) -> str:
    return str(get_session(request))


async def _repository(session: Session) -> str:
    return str(session)


PLACES = [
    on_the_application,
    of_another_profile,
    in_an_included_router,
    in_a_dependency_of_a_dependency,
    where_a_router_is_included,
    in_a_dependency_by_hand,
    in_a_mounted_application,
]


@pytest.mark.parametrize("place", PLACES)
async def test_fastapi_says_at_start_that_setup_was_forgotten(place: Callable[[FastAPI], str]) -> None:
    app = FastAPI()
    place(app)

    with pytest.raises(RuntimeError, match=FORGOTTEN.format(r"\S*/asks")):
        async with started(app):
            pass


@pytest.mark.parametrize("place", PLACES)
async def test_with_setup_the_same_application_of_fastapi_starts(local: Local, place: Callable[[FastAPI], str]) -> None:
    app = FastAPI()
    path = place(app)
    fastapi.setup(app, local.data)

    async with started(app):
        assert "Session" in (await request(app, path)).text


async def test_a_lifespan_that_starts_the_module_is_no_setup(local: Local) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with local.data:
            yield

    app = FastAPI(lifespan=lifespan)
    on_the_application(app)

    with pytest.raises(RuntimeError, match=FORGOTTEN.format("/asks")):
        async with started(app):
            pass


async def test_after_the_fix_it_starts(local: Local) -> None:
    """Also where it was refused before: what stood in place of its lifespan is gone."""
    app = FastAPI()
    on_the_application(app)
    with pytest.raises(RuntimeError, match="setup"):
        async with started(app):
            pass
    app.middleware_stack = None  # as in a new process

    fastapi.setup(app, local.data)

    async with started(app):
        assert "Session" in (await request(app, "/asks")).text


async def test_many_handlers_are_told_in_one_line() -> None:
    app = Starlette(routes=[Route(f"/{number}", by_its_name) for number in range(5)])

    with pytest.raises(RuntimeError, match=FORGOTTEN.format("/0, /1, /2 and 2 more")):
        async with started(app):
            pass


# -- applications that need no setup -----------------------------------------------------------------------------------


async def test_an_application_that_asks_for_no_session_starts_as_ever() -> None:
    app = starlette_app(asks_for_nothing)

    async with started(app):
        assert (await request(app, "/asks")).text == "nothing"


async def test_blocks_of_the_module_need_no_setup(local: Local) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with local.data:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/asks")
    async def handler() -> str:
        async with local.data.session() as session:
            return type(session).__name__

    async with started(app):
        assert "Session" in (await request(app, "/asks")).text


@pytest.mark.parametrize("overridden", [SessionDependency(), _repository])
async def test_a_dependency_that_a_test_overrides_needs_no_setup(overridden: Any) -> None:
    app = FastAPI()
    in_a_dependency_of_a_dependency(app)
    app.dependency_overrides[overridden] = lambda: "a Session of the test's"

    async with started(app):
        assert "of the test's" in (await request(app, "/asks")).text


async def test_a_mounted_application_that_was_set_up_is_enough(local: Local) -> None:
    inner = starlette_app(by_its_name)
    starlette.setup(inner, local.data)
    outer = Starlette(routes=[Mount("/sub", app=inner, middleware=[Middleware(Around)])])

    async with local.data, started(outer):
        assert "Session" in (await request(outer, "/sub/asks")).text


async def test_a_middleware_around_ours_hides_nothing(local: Local) -> None:
    app = starlette_app(by_its_name)
    starlette.setup(app, local.data)
    app.router.middleware_stack = Around(app.router.middleware_stack)

    async with started(app):
        assert "Session" in (await request(app, "/asks")).text


# -- in a server, and where no start tells it --------------------------------------------------------------------------

PROGRAM = """
    from fastapi import FastAPI
    from myfy_data import DataModule
    from myfy_data.integrations.fastapi import Session, setup

    app, data = FastAPI(), DataModule()
    #

    @app.get("/asks")
    async def handler(session: Session) -> str:
        return str(session)
    """


@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_a_server_does_not_start(project: Sandbox, lifespan: str) -> None:
    """The server's own rule for applications without a lifespan (`auto`) does not hide it."""
    project.write("shop.py", PROGRAM)

    done = project.python("-m", "uvicorn", "shop:app", "--lifespan", lifespan, "--port", "0")

    assert done.returncode == 3
    assert "`setup` was not called for this application, which asks for a session at /asks" in done.stderr
    assert done.stderr.count("\n") < 25


def helper(request: Request) -> Any:
    return get_session(request)


async def by_a_helper(request: Request) -> Response:
    return PlainTextResponse(str(helper(request)))


async def test_what_a_handler_calls_is_not_looked_at_and_told_at_the_first_request() -> None:
    app = starlette_app(by_a_helper)

    async with started(app):
        answer = await request(app, "/asks")

    assert "`setup` was not called for this application" in str(answer.raised)
