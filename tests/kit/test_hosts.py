"""One file of tests passes in four hosts; clients that run the application in another thread are refused (C13.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.conftest import Server
from tests.kit.project import KitProject

APPLICATIONS = Path(__file__).parent / "applications"
HOSTS = ["fastapi", "starlette", "litestar", pytest.param("myfy", marks=pytest.mark.myfy)]
THEIR_WARNINGS = ("-W", "ignore::DeprecationWarning", "-W", "ignore:Using `httpx`")
"""Litestar's of each dependency that a plugin provides, Starlette's of the client that it tests with."""

HEAD = """
import httpx

from app.web import app as web


@pytest.fixture
async def client(data):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://here") as client:
        yield client
"""

SAME_IN_EACH = (
    HEAD
    + """

@pytest.mark.parametrize("time", [1, 2])
async def test_stores(client, session, time):
    assert (await client.get("/items")).json() == []
    assert (await client.post("/items/a")).status_code == 201
    assert (await client.get("/items")).json() == ["a", "a, seen in the background"]
    assert len(list(await session.scalars(select(Item)))) == 2


async def test_of_a_handler_that_fails(client):
    assert (await client.post("/fails")).status_code == 409
    assert (await client.get("/items")).json() == []


async def test_of_two_requests_at_once(client):
    answers = await asyncio.gather(client.post("/items/a"), client.post("/items/b"))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert sorted(name[0] for name in (await client.get("/items")).json()) == ["a", "a", "b", "b"]


async def test_of_a_session_that_the_test_holds(client, session):
    assert list(await session.scalars(select(Item))) == []
    await session.rollback()
    assert (await client.post("/items/a")).status_code == 201


async def test_in_a_handler(client):
    await client.post("/audit/handler")


async def test_in_a_background_task(client):
    await client.post("/audit/background")


async def test_of_a_session_that_is_provided(client):
    await client.post("/provided")


@pytest.mark.data("main", "audit")
async def test_declared(client):
    assert (await client.post("/audit/handler")).status_code == 201
    assert (await client.post("/provided")).status_code == 201
    assert await names("audit") == ["a"]


@pytest.mark.data(max_queries=0)
async def test_of_a_budget(client):
    await client.get("/items")
"""
)

UNDECLARED = {"test_in_a_handler", "test_in_a_background_task", "test_of_a_session_that_is_provided"}
FAILS = {*UNDECLARED, "test_of_a_budget"}

IN_A_THREAD = """
from starlette.testclient import TestClient

from app.web import app as web


def test_in_a_transaction(data):
    with TestClient(web) as client:
        assert client.post("/items/a").status_code == 201


@pytest.mark.data(isolation="database")
def test_in_a_database(data):
    with TestClient(web) as client:
        assert client.get("/items").json() == []
        assert client.post("/items/a").status_code == 201
        assert client.get("/items").json() == ["a", "a, seen in the background"]
    assert asyncio.run(names()) == ["a", "a, seen in the background"]


async def test_that_nothing_is_left(data):
    assert await names() == []
"""

ASYNC_IN_A_THREAD = """

from litestar.testing import AsyncTestClient


async def test_async_in_a_transaction(data):
    async with AsyncTestClient(web) as client:
        assert (await client.post("/items/a")).status_code == 201


@pytest.mark.data(isolation="database")
async def test_async_in_a_database(data):
    async with AsyncTestClient(web) as client:
        assert (await client.post("/items/a")).status_code == 201
    assert await names() == ["a", "a, seen in the background"]
"""


@pytest.fixture(params=HOSTS)
def hosted(kit_project: KitProject, postgresql: Server, request: pytest.FixtureRequest) -> KitProject:
    """A project whose application has handlers in a host, on a profile that is declared and one that is not."""
    host = str(request.param)
    kit_project.profile(postgresql.url())
    kit_project.profile(postgresql.url("audit"), "audit")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    kit_project.write("app/web.py", (APPLICATIONS / f"on_{host}.py").read_text())
    return kit_project


def test_the_same_tests_pass_in_each_host(hosted: KitProject) -> None:
    result = hosted.run(SAME_IN_EACH, *THEIR_WARNINGS)
    assert {test for test, outcome in result.outcomes.items() if outcome != "passed"} == FAILS, result.output
    assert len(result.outcomes) == 10
    for test in UNDECLARED:
        assert f"{test} used profile 'audit', which it does not declare (app/main.py:" in result.told(test)


def test_a_client_whose_application_runs_in_another_thread_is_refused_in_a_transaction(hosted: KitProject) -> None:
    """Also where the host keeps the error to its log, and answers 500."""
    is_litestar = "litestar" in (hosted.root / "app/web.py").read_text()
    result = hosted.run(IN_A_THREAD + ASYNC_IN_A_THREAD * is_litestar, *THEIR_WARNINGS)
    refused = [test for test, outcome in result.outcomes.items() if outcome != "passed"]
    assert refused == ["test_in_a_transaction", "test_async_in_a_transaction"][: 1 + is_litestar], result.output
    for test in refused:
        assert "another thread's event loop cannot stand in the test's own transaction" in result.told(test)
        assert '@pytest.mark.data(isolation="database")' in result.told(test)
    assert len(result.outcomes) == 3 + 2 * is_litestar
