"""A reload while a host serves: requests that write go on, and each is stored once (contract C12.5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar, post
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from myfy_data import DataModule
from myfy_data.integrations.fastapi import Session
from myfy_data.integrations.fastapi import setup as setup_fastapi
from myfy_data.integrations.litestar import DataPlugin
from myfy_data.integrations.starlette import get_session
from myfy_data.integrations.starlette import setup as setup_starlette
from tests.databases import PERSISTENT, url_of
from tests.hosts.client import request as ask_app
from tests.hosts.client import started
from tests.reloading import Project, ask, drained
from tests.sandbox import RUN_TIMEOUT, Sandbox

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WRITERS, ROUNDS = 5, 6
INSERT = text("INSERT INTO served VALUES (1)")


async def endpoint(request: Request) -> JSONResponse:
    await get_session(request).execute(INSERT)
    return JSONResponse({})


def with_starlette(data: DataModule) -> Any:
    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    setup_starlette(app, data)
    return app


def with_fastapi(data: DataModule) -> Any:
    app = FastAPI()
    setup_fastapi(app, data)

    @app.post("/")
    async def write(session: Session) -> dict[str, str]:
        await session.execute(INSERT)
        return {}

    return app


def with_litestar(data: DataModule) -> Any:
    @post("/", status_code=200)
    async def write(session: AsyncSession) -> dict[str, str]:
        await session.execute(INSERT)
        return {}

    return Litestar(route_handlers=[write], plugins=[DataPlugin(data)])


@pytest.fixture
def on_database(request: pytest.FixtureRequest, project: Sandbox) -> Project:
    return Project(project, url_of(request.param, request, project.path))


@pytest.mark.parametrize("on_database", PERSISTENT, indirect=True)
@pytest.mark.parametrize("build", [with_starlette, with_fastapi, with_litestar])
async def test_no_request_fails_while_engines_are_swapped(on_database: Project, build: Any) -> None:
    data = DataModule()
    app = build(data)
    answers: list[int | None] = []
    done = asyncio.Event()
    answered = asyncio.Condition()

    async def write() -> None:
        while not done.is_set():
            answer = await ask_app(app, "/", method="POST")
            async with answered:
                answers.append(answer.status)
                answered.notify_all()

    async with started(app):
        async with data.session() as session:
            await session.execute(text("DROP TABLE IF EXISTS served"))
            await session.execute(text("CREATE TABLE served (a int)"))
        async with asyncio.timeout(RUN_TIMEOUT), asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(write())
            for turn in range(ROUNDS):
                on_database.write(f"execution_options = {{ turn = {turn} }}", f"pool_size = {2 + turn % 3}")
                async with drained(data):
                    report = await data.reload()
                enough = len(answers) + WRITERS
                async with answered:
                    await answered.wait_for(lambda enough=enough: len(answers) >= enough)
            done.set()
        stored = await ask(data, "SELECT count(*) FROM served")
        async with data.session() as session:
            await session.execute(text("DROP TABLE served"))

    assert report.swapped == ("main",)
    assert set(answers) == {200}
    assert stored == len(answers)
