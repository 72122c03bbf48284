"""The routes in Litestar."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.response import Stream
from litestar.types import Scope
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from myfy_data import DataModule
from myfy_data.integrations.litestar import DataPlugin
from tests.hosts.apps.naive import SESSION, CommitAfterwards
from tests.hosts.handlers import Act, Handled, perform
from tests.hosts.recorder import SCENE
from tests.hosts.tables import count_notes


class LitestarHost:
    """Litestar's words."""

    def answer(self, status: int) -> Any:
        return Response("", status_code=status, media_type=MediaType.TEXT, headers={"location": "/"})

    def http_error(self, status: int) -> Exception:
        return HTTPException(status_code=status)

    def stream(self, chunks: AsyncIterator[bytes]) -> Any:
        return Stream(chunks, status_code=200)

    def answer_then(self, task: Callable[[], Awaitable[None]]) -> Any:
        return Response("", status_code=200, media_type=MediaType.TEXT, background=BackgroundTask(task))


@post("/run/{act:str}/{text:str}")
async def run(
    act: str, text: str, request: Request[Any, Any, Any], session: AsyncSession, second_session: AsyncSession
) -> Response[Any]:
    scene = request.scope[SCENE]  # type: ignore[literal-required]  # the witness has put it there
    response: Response[Any] = await perform(act, Act(text, session, second_session, LitestarHost(), scene))
    return response


@get("/count/{text:str}", media_type=MediaType.TEXT)
async def count(text: str, session: AsyncSession) -> str:
    return str(await count_notes(session, text))


def answer_200(_request: Request[Any, Any, Any], _error: Exception) -> Response[str]:
    return Response("handled", status_code=200, media_type=MediaType.TEXT)


def _application(**options: Any) -> Litestar:
    return Litestar([run, count], exception_handlers={Handled: answer_200}, openapi_config=None, **options)


def build(data: DataModule) -> Any:
    """The application with our adapter."""
    return _application(plugins=[DataPlugin(data)])


def build_naive(maker: async_sessionmaker[AsyncSession]) -> Any:
    """The application with a middleware that commits at the end."""

    async def provide(scope: Scope) -> AsyncSession:
        found: AsyncSession = scope[SESSION]  # type: ignore[literal-required]  # the middleware has put it there
        return found

    async def provide_second(session: AsyncSession) -> AsyncSession:
        return session

    return _application(
        dependencies={"session": Provide(provide), "second_session": Provide(provide_second)},
        middleware=[lambda app: CommitAfterwards(app, maker)],
    )
