"""`/health/live`, `/health/ready` and `/health` in the hosts that run in the test's own loop (contract C12.1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from myfy_data import ConfigError, DatabaseSettings, DataModule, DataModuleError, DataSettings
from myfy_data.endpoints import health as health_endpoint
from myfy_data.integrations.fastapi import setup as setup_fastapi
from myfy_data.integrations.litestar import DataPlugin
from tests.hosts import bare_applications
from tests.hosts.bare_applications import with_starlette
from tests.hosts.client import Answer, request, started
from tests.hosts.conftest import Local

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a class of Litestar's own since 2.23

Build = Callable[..., Any]


on_hosts = bare_applications.on_hosts(health="/health")


def spoken(answer: Answer) -> tuple[int | None, Any]:
    assert answer.raised is None
    return answer.status, json.loads(answer.body)


@on_hosts
async def test_the_three_questions_are_answered(local: Local, build: Build) -> None:
    app = build(local.data)
    async with started(app):
        live, ready, health = [spoken(await request(app, f"/health{path}")) for path in ("/live", "/ready", "")]

    assert live == (200, {"status": "ok", "profiles": {}})
    assert (ready[0], ready[1]["status"], list(ready[1]["profiles"])) == (200, "ok", ["main"])
    assert (health[0], health[1]["status"], list(health[1]["profiles"])) == (200, "ok", ["main", "second"])


@on_hosts
async def test_a_profile_is_told_in_six_words(local: Local, build: Build) -> None:
    app = build(local.data)
    async with started(app):
        _, health = spoken(await request(app, "/health"))
    told = health["profiles"]["second"]

    assert isinstance(told.pop("latency_ms"), float)
    assert told == {
        "status": "ok",
        "required": False,
        "role": None,
        "pool": {"size": 3, "in_use": 0, "waiting": 0},
        "error": None,
    }


@on_hosts
async def test_before_the_start_and_after_the_stop_it_lives_and_is_not_ready(local: Local, build: Build) -> None:
    app = build(local.data)
    found = []
    for _ in range(2):
        found += [spoken(await request(app, f"/health/{path}")) for path in ("live", "ready")]
        async with started(app):
            pass
    after = await request(app, "/health")

    assert [status for status, _ in found] == [200, 503, 200, 503]
    assert found[1][1]["status"] == "stopped"
    assert (after.status, json.loads(after.body)["profiles"]["main"]["status"]) == (503, "unknown")


@on_hosts
async def test_nothing_is_answered_where_nothing_was_asked_for(local: Local, build: Build) -> None:
    app = build(local.data, health=None)
    async with started(app):
        answer = await request(app, "/health/live")

    assert answer.status == 404


@on_hosts
async def test_the_module_may_say_the_path_too(local: Local, build: Build) -> None:
    data = DataModule(settings=local.data.settings, health="/-/db")
    app = build(data, health=None)
    async with started(app):
        answer = await request(app, "/-/db/ready")

    assert answer.status == 200


@on_hosts
async def test_head_has_no_body_and_post_is_refused(local: Local, build: Build) -> None:
    app = build(local.data)
    async with started(app):
        head, post = [await request(app, "/health/live", method) for method in ("HEAD", "POST")]

    assert (head.status, head.body, post.status) == (200, b"", 405)


@on_hosts
async def test_no_answer_is_kept_by_anything_between(local: Local, build: Build) -> None:
    app = build(local.data)
    answer = await request(app, "/health/live")

    assert (b"cache-control", b"no-store") in answer.messages[0]["headers"]


@pytest.fixture
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is good enough for the next one who asks, however long a busy machine takes until then."""
    monkeypatch.setattr(health_endpoint, "FRESH", 3600.0)


@pytest.mark.usefixtures("_fresh")
@on_hosts
async def test_a_storm_of_health_asks_the_servers_once(
    local: Local, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    health = local.data.health

    async def counted() -> Any:
        asked.append(1)
        return await health()

    monkeypatch.setattr(local.data, "health", counted)
    app = build(local.data)
    async with started(app):
        await asyncio.gather(*(request(app, "/health") for _ in range(100)))

    assert len(asked) == 1


@on_hosts
async def test_the_error_is_a_class_of_ours_and_nothing_else(build: Build) -> None:
    settings = {
        "main": DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:"),
        "away": DatabaseSettings(database_url="postgresql://CANARY-user:CANARY-pw@127.0.0.1:1/CANARY-db"),
    }
    app = build(DataModule(settings=DataSettings(default="main", profiles=settings)))
    async with started(app):
        answer = await request(app, "/health")
    away = json.loads(answer.body)["profiles"]["away"]

    assert (answer.status, away["status"], away["error"]) == (200, "down", "DatabaseConnectionError")
    assert "CANARY" not in answer.text
    assert "127.0.0.1" not in answer.text


@on_hosts
async def test_a_required_profile_that_is_down_is_answered_503(local: Local, build: Build) -> None:
    profiles = {
        "main": local.data.settings.profiles["main"],
        "away": DatabaseSettings(database_url="postgresql://app@127.0.0.1:1/x", required=False),
    }
    data = DataModule("main", settings=DataSettings(default="main", profiles=profiles))
    app = build(data)
    async with started(app):
        data.replace_settings(
            DataSettings(
                default="main",
                profiles=profiles
                | {"away": DatabaseSettings(database_url="postgresql://app@127.0.0.1:1/x", required=True)},
            )
        )
        status, health = spoken(await request(app, "/health"))

    assert (status, health["status"], health["profiles"]["away"]["required"]) == (503, "down", True)


@on_hosts
@pytest.mark.parametrize("path", ["health", "/health/", "", "/a b", "/{name}", 5])
def test_what_is_no_path_is_refused_with_one_that_is(local: Local, build: Build, path: Any) -> None:
    with pytest.raises(ConfigError, match=r'argument: health: expected a path .*\n  fix: health="/health"'):
        build(local.data, health=path)


async def test_a_route_of_the_application_at_the_same_path_is_refused(local: Local) -> None:
    async def own(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("mine")

    app = with_starlette(local.data, health="/health", routes=[Route("/health/ready", own)])

    with pytest.raises(RuntimeError, match="a route at '/health/ready' of its own"):
        async with started(app):
            pass


async def test_fastapi_refuses_a_route_that_a_prefix_puts_there(local: Local) -> None:
    router = APIRouter()
    router.get("/ready")(lambda: "mine")
    app = FastAPI()
    setup_fastapi(app, local.data, health="/health")
    app.include_router(router, prefix="/health")

    with pytest.raises(RuntimeError, match="a route at '/health/ready' of its own"):
        async with started(app):
            pass


def test_litestar_refuses_a_route_at_the_same_path(local: Local) -> None:
    @get("/health")
    async def own() -> str:
        return "mine"

    with pytest.raises(DataModuleError, match="a route at '/health' of its own"):
        Litestar([own], plugins=[DataPlugin(local.data, health="/health")])


async def test_below_a_mount_the_path_is_the_applications_own(local: Local) -> None:
    inner = with_starlette(local.data, health="/health")
    outer = Starlette(routes=[Mount("/api", app=inner)])
    async with local.data:
        answer = await request(outer, "/api/health/ready")

    assert answer.status == 200


async def test_a_mounted_application_has_no_answers_of_its_parents(local: Local) -> None:
    app = with_starlette(local.data, health="/health", routes=[Mount("/sub", app=Starlette())])
    async with started(app):
        answer = await request(app, "/sub/health/live")

    assert answer.status == 404


@pytest.mark.usefixtures("_fresh")
@on_hosts
async def test_a_second_answer_costs_no_second_look(local: Local, build: Build) -> None:
    app = build(local.data)
    async with started(app):
        bodies = {(await request(app, "/health")).body for _ in range(2)}

    assert len(bodies) == 1
