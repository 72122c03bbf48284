"""The routes in myfy; they are global, as its decorator wants it."""

from __future__ import annotations

from typing import Annotated, Any

from myfy.core import Application
from myfy.core.di.types import Qualifier
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import Response

from myfy_data import DataModule
from tests.hosts.apps.starlette import StarletteHost
from tests.hosts.handlers import Act, perform
from tests.hosts.recorder import SCENE
from tests.hosts.tables import count_notes


@route.post("/run/{act}/{text}")
async def run(
    act: str,
    text: str,
    request: Request,
    session: AsyncSession,
    second: Annotated[AsyncSession, Qualifier("second")],
) -> Any:
    return await perform(act, Act(text, session, second, StarletteHost(), request.scope[SCENE]))


@route.get("/count/{text}")
async def count(text: str, session: AsyncSession) -> Any:
    return Response(str(await count_notes(session, text)))


def _application(module: Any) -> Any:
    app = Application(auto_discover=False)
    app.add_module(WebModule())
    app.add_module(module)
    return create_asgi_app_with_lifespan(app)


def build(data: DataModule) -> Any:
    """The application with our adapter."""
    return _application(data)


class NaiveModule:
    """A data module as upstream's: a session per request, and the framework's clean-up is trusted to end it."""

    name = "naive"
    requires: tuple[type, ...] = ()
    provides: tuple[type, ...] = ()

    def __init__(self, maker: async_sessionmaker[AsyncSession]) -> None:
        self._maker = maker

    def configure(self, container: Any) -> None:
        container.register(type_=AsyncSession, factory=self.make_session, scope="request")

    def make_session(self) -> AsyncSession:
        return self._maker()

    def extend(self, container: Any) -> None: ...

    def finalize(self, container: Any) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def build_naive(maker: async_sessionmaker[AsyncSession]) -> Any:
    """The application with a plain session in the request's scope."""
    return _application(NaiveModule(maker))
