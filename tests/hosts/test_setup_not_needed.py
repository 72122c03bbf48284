"""The look for a forgotten `setup` fails no start of applications that are not ours, or prepared otherwise (ADR 50)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route, Router

from myfy_data.integrations import fastapi, starlette
from myfy_data.integrations.fastapi import Session, SessionDependency
from myfy_data.integrations.starlette import get_session
from tests.hosts.client import request, started
from tests.hosts.conftest import Local
from tests.sandbox import Sandbox

FORGOTTEN = "`setup` was not called for this application"


async def nothing(_request: Request) -> Response:
    return PlainTextResponse("nothing")


async def asks(request: Request) -> Response:
    return PlainTextResponse(type(get_session(request)).__name__)


# -- applications that are not ours ------------------------------------------------------------------------------------


class Unbound:
    """A proxy of something that is not there yet."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} of nothing")

    def __call__(self) -> None:
        """Callable, as what it stands for."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("nobody knows of what")

    @__class__.setter
    def __class__(self, _: Any) -> None: ...


class Dispatcher:
    """Answers a message, and tells its routes when it is called for them."""

    def routes(self) -> list[Any]:
        return []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await nothing_app(scope, receive, send)


class Around:
    """A middleware that stands around itself."""

    @property
    def app(self) -> Around:
        return self

    async def __call__(self, *_: Any) -> None:
        """Answer nothing."""


class WithoutPath(BaseRoute):
    """A route of the application's own kind."""

    endpoint: Any = staticmethod(asks)

    def matches(self, _scope: Any) -> tuple[Match, Any]:
        return Match.NONE, {}


nothing_app = Starlette(routes=[Route("/", nothing)])


def with_a_proxy() -> Any:
    proxy = Unbound()

    async def handler(_request: Request) -> Response:
        return PlainTextResponse(str(proxy is None))

    return handler


@pytest.fixture
def looked(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The look itself went well: a start shows nothing of one that failed."""
    caplog.set_level(logging.DEBUG, "myfy_data")
    yield
    assert not [record for record in caplog.get_records("call") if "could not look" in record.message]


@pytest.mark.usefixtures("looked")
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
async def test_an_application_mounted_in_itself_starts(kind: type[Starlette], local: Local) -> None:
    for setup in (None, fastapi.setup if kind is FastAPI else starlette.setup):
        app: Any = kind(routes=[Route("/", nothing)])
        app.mount("/v1", app)
        if setup is not None:
            setup(app, local.data)

        async with started(app):
            assert (await request(app, "/")).text == "nothing"


@pytest.mark.usefixtures("looked")
async def test_a_router_mounted_in_itself_starts() -> None:
    router = Router([Route("/", nothing)])
    router.mount("/v1", router)
    app = Starlette(routes=[Mount("/sub", router)])

    async with started(app):
        assert (await request(app, "/sub/v1/")).text == "nothing"


@pytest.mark.usefixtures("looked")
@pytest.mark.parametrize("inner", [Dispatcher(), Around()], ids=["a method named routes", "around itself"])
async def test_what_is_mounted_may_be_anything(inner: Any) -> None:
    app = Starlette(routes=[Route("/", nothing), Mount("/sub", inner)])

    async with started(app):
        assert (await request(app, "/")).text == "nothing"


async def test_a_proxy_of_nothing_is_not_asked() -> None:
    app = Starlette(routes=[Route("/", with_a_proxy()), Route("/asks", asks)])

    with pytest.raises(RuntimeError, match=f"{FORGOTTEN}, which asks for a session at /asks"):
        async with started(app):
            pass


async def test_a_route_without_path_is_told_by_its_kind() -> None:
    with pytest.raises(RuntimeError, match=f"{FORGOTTEN}, which asks for a session at WithoutPath"):
        async with started(Starlette(routes=[WithoutPath()])):
            pass


class Hidden(WithoutPath):
    """A route that does not tell its endpoint."""

    def __getattribute__(self, name: str) -> Any:
        if name == "endpoint":
            raise LookupError(name)
        return super().__getattribute__(name)


async def test_a_look_that_fails_fails_no_start(caplog: pytest.LogCaptureFixture) -> None:
    """Also of an application that asks: its first request says so."""
    app = Starlette(routes=[Hidden(), Route("/asks", asks)])

    with caplog.at_level(logging.DEBUG, "myfy_data"):
        async with started(app):
            assert FORGOTTEN in str((await request(app, "/asks")).raised)

    record = next(each for each in caplog.records if "could not look" in each.message)
    assert record.levelno == logging.DEBUG
    assert record.exc_info
    assert isinstance(record.exc_info[1], LookupError)


# -- nothing of a look stays -------------------------------------------------------------------------------------------


async def test_a_lifespan_that_is_replaced_while_it_runs_stays_replaced() -> None:
    used = []

    @asynccontextmanager
    async def second(_app: Starlette) -> AsyncIterator[None]:
        used.append("second")
        yield

    @asynccontextmanager
    async def first(running: Starlette) -> AsyncIterator[None]:
        used.append("first")
        running.router.lifespan_context = second
        yield

    app = Starlette(lifespan=first)
    for _ in range(2):
        async with started(app):
            pass

    assert used == ["first", "second"]


async def test_two_starts_at_a_time_are_both_refused_and_leave_nothing() -> None:
    app = Starlette(routes=[Route("/asks", asks)])
    before = dict(vars(app.router))
    told: list[str] = []
    begin = [asyncio.Event(), asyncio.Event()]

    async def start(mine: asyncio.Event) -> None:
        async def receive() -> dict[str, Any]:
            await mine.wait()
            return {"type": "lifespan.startup"}

        async def send(message: MutableMapping[str, Any]) -> None:
            told.append(message["message"])

        await app({"type": "lifespan", "state": {}}, receive, send)

    starts = [asyncio.create_task(start(each)) for each in begin]
    await asyncio.sleep(0)  # both wait for the server now
    for each, task in zip(begin, starts, strict=True):
        each.set()
        await asyncio.wait([task])

    assert all(FORGOTTEN in each for each in told)
    assert [FORGOTTEN in str(task.exception()) for task in starts] == [True, True]
    assert dict(vars(app.router)) == before


# -- imported anew -----------------------------------------------------------------------------------------------------

ANEW = """
import asyncio, importlib, sys
from starlette.applications import Starlette
from starlette.routing import Route, Router
from tests.hosts.client import started
import myfy_data.integrations.fastapi
import myfy_data.integrations.starlette as adapter
from myfy_data import DataModule

async def asks(request):
    from myfy_data.integrations.starlette import get_session
    get_session(request)

async def refused(app):
    try:
        async with started(app):
            return False
    except RuntimeError as error:
        assert "`setup` was not called" in str(error), error
        return True

def new():
    return Starlette(routes=[Route("/x", asks)])

replaced = Router.lifespan
before = new()
adapter.setup(before, DataModule())
importlib.reload(adapter)
print("set up before a reload:", asyncio.run(refused(before)))
for name in [name for name in sys.modules if name.startswith("myfy_data")]:
    del sys.modules[name]
import myfy_data.integrations.starlette as anew
from myfy_data import DataModule
after = new()
anew.setup(after, DataModule())
print("set up by the new one:", asyncio.run(refused(after)))
print("not set up:", asyncio.run(refused(new())))
print("wrapped once:", Router.lifespan is replaced, hasattr(replaced.__wrapped__, "__wrapped__"))
"""


def test_adapters_that_are_imported_anew_judge_alike(project: Sandbox) -> None:
    done = project.python("-c", ANEW)

    assert done.stdout.splitlines() == [
        "set up before a reload: False",
        "set up by the new one: False",
        "not set up: True",
        "wrapped once: True False",
    ], done.stderr


# -- prepared otherwise ------------------------------------------------------------------------------------------------


class Inner:
    """A middleware with a name of its own for what it stands around."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, *scope_receive_send: Any) -> None:
        await self.inner(*scope_receive_send)


async def test_any_middleware_around_ours_hides_nothing(local: Local) -> None:
    app: Any = Starlette(routes=[Route("/asks", asks)])
    starlette.setup(app, local.data)
    app.router.middleware_stack = Inner(app.router.middleware_stack)
    starlette.setup(app, local.data)  # known to be there already

    async with started(app):
        assert (await request(app, "/asks")).text == "ProfileSession"


async def asks_if_it_can(request: Request) -> Response:
    return await asks(request) if request.app.state.data else PlainTextResponse("no database")


vars(asks_if_it_can)["__wrapped__"] = asks


@pytest.mark.parametrize("inner", [False, True], ids=["itself", "mounted"])
async def test_who_prepares_by_hand_says_so(inner: bool) -> None:
    app = asking = Starlette(routes=[Route("/", asks_if_it_can)])
    if inner:
        app = Starlette(routes=[Mount("/", asking)])
    asking.state.data = None
    with pytest.raises(RuntimeError, match=r"another way: `app\.state\.myfy_data_setup = False`"):
        async with started(app):
            pass

    asking.state.myfy_data_setup = False

    async with started(app):
        assert (await request(app, "/")).text == "no database"


async def test_overrides_of_a_running_client_need_the_word() -> None:
    app = FastAPI()
    app.state.myfy_data_setup = False

    @app.get("/asks")
    async def handler(session: Session) -> str:
        return str(session)

    async with started(app):
        app.dependency_overrides[SessionDependency()] = lambda: "the test's"
        assert (await request(app, "/asks")).text == '"the test\'s"'


async def test_nothing_but_false_is_that_word() -> None:
    app = Starlette(routes=[Route("/asks", asks)])
    app.state.myfy_data_setup = True

    with pytest.raises(RuntimeError, match=FORGOTTEN):
        async with started(app):
            pass
