"""The routes in Starlette."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from myfy_data import DataModule
from myfy_data.integrations.starlette import get_session, setup
from tests.hosts.apps.naive import SESSION, CommitAfterwards
from tests.hosts.handlers import Act, Handled, perform
from tests.hosts.recorder import SCENE
from tests.hosts.tables import count_notes


class StarletteHost:
    """Starlette's words; FastAPI and myfy use them, too."""

    def answer(self, status: int) -> Any:
        return PlainTextResponse("", status, headers={"location": "/"} if status == 303 else None)

    def http_error(self, status: int) -> Exception:
        return HTTPException(status)

    def stream(self, chunks: AsyncIterator[bytes]) -> Any:
        return StreamingResponse(chunks)

    def answer_then(self, task: Callable[[], Awaitable[None]]) -> Any:
        return PlainTextResponse("", background=BackgroundTask(task))


async def answer_200(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("handled")


GetSession = Callable[[Request, str | None], AsyncSession]


def _application(session_of: GetSession, **options: Any) -> Starlette:
    async def run(request: Request) -> Response:
        sessions = session_of(request, None), session_of(request, "second")
        act = Act(request.path_params["text"], *sessions, StarletteHost(), request.scope[SCENE])
        response: Response = await perform(request.path_params["act"], act)
        return response

    async def count(request: Request) -> Response:
        return PlainTextResponse(str(await count_notes(session_of(request, None), request.path_params["text"])))

    routes = [Route("/run/{act}/{text}", run, methods=["POST"]), Route("/count/{text}", count)]
    return Starlette(routes=routes, exception_handlers={Handled: answer_200}, **options)


def build(data: DataModule) -> Any:
    """The application with our adapter."""
    app = _application(get_session)
    setup(app, data)
    return app


def build_naive(maker: async_sessionmaker[AsyncSession]) -> Any:
    """The application with a middleware that commits at the end."""
    return _application(
        lambda request, _profile: request.scope[SESSION],
        middleware=[Middleware(CommitAfterwards, maker=maker)],
    )
