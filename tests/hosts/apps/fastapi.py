"""The routes in FastAPI."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import Response

from myfy_data import DataModule
from myfy_data.integrations.fastapi import Session, SessionDependency, session_for, setup
from tests.hosts.apps.naive import SESSION, CommitAfterwards
from tests.hosts.apps.starlette import StarletteHost, answer_200
from tests.hosts.handlers import Act, Handled, perform
from tests.hosts.recorder import SCENE
from tests.hosts.tables import count_notes

Second = session_for("second")


def _application() -> FastAPI:
    app = FastAPI(exception_handlers={Handled: answer_200})

    @app.post("/run/{act}/{text}")
    async def run(act: str, text: str, request: Request, session: Session, second: Second) -> Response:
        response: Response = await perform(act, Act(text, session, second, StarletteHost(), request.scope[SCENE]))
        return response

    @app.get("/count/{text}")
    async def count(text: str, session: Session) -> Response:
        return PlainTextResponse(str(await count_notes(session, text)))

    return app


def build(data: DataModule) -> Any:
    """The application with our adapter."""
    app = _application()
    setup(app, data)
    return app


def build_naive(maker: async_sessionmaker[AsyncSession]) -> Any:
    """The application with a middleware that commits at the end; before 0.118, a `yield` would have done so earlier."""

    async def session(request: Request) -> AsyncSession:
        found: AsyncSession = request.scope[SESSION]
        return found

    app = _application()
    app.add_middleware(CommitAfterwards, maker=maker)
    app.dependency_overrides[SessionDependency()] = session
    app.dependency_overrides[SessionDependency("second")] = session
    return app
