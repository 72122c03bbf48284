"""The page of development: what it tells, and to whom (contract C12.7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from myfy_data import ConfigError, DataModule
from myfy_data.endpoints.dev.guard import refusal
from myfy_data.integrations.fastapi import Session
from myfy_data.integrations.fastapi import setup as setup_fastapi
from myfy_data.integrations.litestar import DataPlugin
from myfy_data.integrations.starlette import get_session
from myfy_data.integrations.starlette import setup as setup_starlette
from tests.hosts.client import Answer, request, started
from tests.sandbox import Sandbox

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a class of Litestar's own since 2.23

CANARY = "CANARY-dev"
LOCAL = {"headers": [(b"host", b"localhost:8000")]}

FILE = """
    [data]
    default = "main"

    [data.profiles.main]
    database_url = "sqlite:///app.db"
    pool_size = 3

    [data.profiles.away]
    database_url = "postgresql://app:CANARY-dev@127.0.0.1:1/shop"
"""


async def work(session: AsyncSession, times: int) -> None:
    for number in range(times):
        await session.execute(text(f"SELECT :secret, '{CANARY}', {number}"), {"secret": CANARY})


def with_starlette(data: DataModule) -> Starlette:
    async def page(request: Request) -> Response:
        await work(get_session(request), int(request.query_params["n"]))
        return PlainTextResponse("done", 202)

    app = Starlette(routes=[Route("/work", page)])
    setup_starlette(app, data, dev="/_data")
    return app


def with_fastapi(data: DataModule) -> FastAPI:
    app = FastAPI()

    @app.get("/work", status_code=202)
    async def page(session: Session, n: int) -> str:
        await work(session, n)
        return "done"

    setup_fastapi(app, data, dev="/_data")
    return app


def with_litestar(data: DataModule) -> Litestar:
    @get("/work", status_code=202)
    async def page(session: AsyncSession, n: int) -> str:
        await work(session, n)
        return "done"

    return Litestar([page], plugins=[DataPlugin(data, dev="/_data")])


on_hosts = pytest.mark.parametrize("build", [with_starlette, with_fastapi, with_litestar])
Build = Callable[[DataModule], Any]


@pytest.fixture
def data(project: Sandbox) -> DataModule:
    project.write("myfy.toml", FILE)
    return DataModule()


async def seen(app: Any, path: str = "/_data?json") -> Any:
    answer = await request(app, path, **LOCAL)
    assert (answer.status, answer.raised) == (200, None), answer.text
    return json.loads(answer.body) if path.endswith("json") else answer.text


@on_hosts
async def test_a_request_is_told_with_its_statements(data: DataModule, build: Build) -> None:
    app = build(data)
    async with started(app):
        await request(app, "/work?n=2", **LOCAL)
        [noted] = (await seen(app))["requests"]

    assert (noted["method"], noted["path"], noted["status"], noted["count"]) == ("GET", "/work", 202, 2)
    assert [statement["text"] for statement in noted["statements"] if statement["fingerprint"]] == [
        "SELECT ?, ?, ?"
    ] * 2
    assert noted["repeated"] == {}
    assert noted["seconds"] >= noted["ran"] > 0


@on_hosts
async def test_a_statement_that_runs_five_times_is_told_as_such(data: DataModule, build: Build) -> None:
    app = build(data)
    async with started(app):
        await request(app, "/work?n=5", **LOCAL)
        [noted] = (await seen(app))["requests"]
        page = await seen(app, "/_data")

    assert noted["repeated"] == {"SELECT ?, ?, ?": 5}
    assert "N+1: 5 times" in page


@on_hosts
async def test_no_literal_parameter_or_password_is_on_it(data: DataModule, build: Build) -> None:
    app = build(data)
    async with started(app):
        await request(app, f"/work?n=1&token={CANARY}", **LOCAL)
        both = json.dumps(await seen(app)) + await seen(app, "/_data")

    assert "SELECT ?, ?, ?" in both
    assert CANARY not in both


@on_hosts
async def test_pools_values_and_migrations_are_there(data: DataModule, build: Build) -> None:
    app = build(data)
    async with started(app), data.session() as session:
        await session.execute(text("SELECT 1"))
        told = await seen(app)
    main = told["profiles"][0]
    size = next(row for row in told["values"] if row["key"] == "profiles.main.pool_size")

    assert (main["name"], main["pool"]["checked_out"], main["pool"]["limit"]) == ("main", 1, 13)
    assert (size["value"], size["line"], size["origin"].endswith("myfy.toml:6:1")) == (3, 6, True)
    assert {"profile": "main", "state": "none", "current": [], "heads": [], "fix": ""} in told["migrations"]


async def test_a_file_that_was_broken_meanwhile_is_told_as_the_loader_does(data: DataModule, project: Sandbox) -> None:
    app = with_starlette(data)
    async with started(app):
        before = (await seen(app))["problems"]
        project.write("myfy.toml", FILE.replace("pool_size", "pool_sise"))
        [after] = (await seen(app))["problems"]

    assert before == []
    assert "profiles.main.pool_sise: no such setting. Did you mean 'pool_size'?" in after
    assert "\n  fix: " in after


@pytest.mark.parametrize("environment", ["production", "prod", "live"])
async def test_in_production_the_start_is_refused(project: Sandbox, environment: str) -> None:
    project.write("myfy.toml", FILE.replace("[data]", f'[data]\n    environment = "{environment}"'))
    app = with_starlette(DataModule())

    with pytest.raises(RuntimeError, match=f"dev: the page of development is refused in environment '{environment}'"):
        async with started(app):
            pass


@on_hosts
async def test_in_another_environment_it_is_not_there(project: Sandbox, build: Build) -> None:
    project.write("myfy.toml", FILE.replace("[data]", '[data]\n    environment = "staging"'))
    app = build(DataModule())
    async with started(app):
        answer = await request(app, "/_data", **LOCAL)

    assert answer.status == 404


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("10.0.0.7", 1), [(b"host", b"localhost")]),
        (("::ffff:10.0.0.7", 1), [(b"host", b"localhost")]),
        (None, [(b"host", b"localhost")]),
        (("not an address", 1), [(b"host", b"localhost")]),
        (("127.0.0.1", 1), []),
        (("127.0.0.1", 1), [(b"host", b"evil.example")]),
        (("127.0.0.1", 1), [(b"host", b"localhost.evil.example")]),
        (("127.0.0.1", 1), [(b"host", b"localhost"), (b"host", b"evil.example")]),
        (("127.0.0.1", 1), [(b"host", b"localhost"), (b"X-Forwarded-For", b"10.0.0.7")]),
        (("127.0.0.1", 1), [(b"host", b"localhost"), (b"x-forwarded-host", b"shop.example")]),
        (("127.0.0.1", 1), [(b"host", b"localhost"), (b"forwarded", b"for=10.0.0.7")]),
        (("127.0.0.1", 1), [(b"host", b"localhost"), (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"cors")]),
        (("127.0.0.1", 1), [(b"host", b"localhost:8000"), (b"Sec-Fetch-Site", b"same-site")]),
        (("127.0.0.1", 1), [(b"host", b"localhost:8000"), (b"origin", b"https://evil.example")]),
        (("127.0.0.1", 1), [(b"host", b"localhost:8000"), (b"origin", b"null")]),
    ],
)
def test_only_this_machine_is_answered(client: Any, headers: list[tuple[bytes, bytes]]) -> None:
    refused = refusal({"client": client, "headers": headers}, asks_server=False)

    assert refused is not None
    assert refused.status == 403


@pytest.mark.parametrize("client", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:8000", b"127.0.0.1:8000", b"[::1]:8000", b"[::1]"])
@pytest.mark.parametrize(
    "more",
    [
        [],
        [(b"sec-fetch-site", b"none"), (b"sec-fetch-mode", b"navigate")],
        [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-mode", b"cors")],
        [(b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate")],  # a link that was clicked
    ],
)
def test_this_machine_is_answered(client: str, host: bytes, more: list[tuple[bytes, bytes]]) -> None:
    assert refusal({"client": (client, 1), "headers": [(b"host", host), *more]}, asks_server=False) is None


async def test_another_site_reads_nothing_where_the_application_allows_every_origin(data: DataModule) -> None:
    app = with_starlette(data)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    asked = [(b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"cors")]
    async with started(app):
        answer: Answer = await request(app, "/_data?json", headers=[*LOCAL["headers"], *asked])

    assert (answer.status, answer.text) == (403, "only from the page itself")


@on_hosts
async def test_another_name_in_host_is_refused(data: DataModule, build: Build) -> None:
    app = build(data)
    async with started(app):
        answer: Answer = await request(app, "/_data")  # whose Host is `here`

    assert (answer.status, answer.text) == (403, "only as localhost")


async def test_what_users_write_is_escaped(project: Sandbox) -> None:
    project.write("myfy.toml", FILE.replace('"sqlite:///app.db"', '"sqlite:///<script>alert(1)</script>.db"'))
    data = DataModule(dev="/_data")
    answer = await data.endpoints.answers["/_data"]({"client": ("::1", 1), "headers": LOCAL["headers"]})
    await data.stop()

    assert b"<script" not in answer.body
    assert b"&lt;script&gt;" in answer.body


def test_the_module_says_what_is_no_path() -> None:
    with pytest.raises(ConfigError, match=r'argument: dev: expected a path .*\n  fix: dev="/_data"'):
        DataModule(dev="_data")


def test_two_answers_at_one_path_are_refused() -> None:
    with pytest.raises(ConfigError, match="'/x' is the path of something else"):
        DataModule(health="/x", dev="/x")


def test_off_it_is_not_there_and_notes_nothing(data: DataModule) -> None:
    assert (data.endpoints.log, dict(data.endpoints.answers)) == (None, {})


def test_the_style_is_part_of_the_package() -> None:
    from myfy_data.endpoints.dev import page  # noqa: PLC0415 - its file is looked at

    assert (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8") == page.style()
