"""Plans on the page of development: by hand only, and only of what this process ran (contract C12.7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import event, text

from myfy_data import DataModule
from tests.hosts.client import request, started
from tests.hosts.test_dev_page import CANARY, FILE, LOCAL, Build, on_hosts, seen, with_starlette
from tests.sandbox import Sandbox

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a class of Litestar's own since 2.23

SLOW = FILE.replace("pool_size = 3", "pool_size = 3\n    slow.statement = 0.000001")


@pytest.fixture
def data(project: Sandbox) -> DataModule:
    project.write("myfy.toml", SLOW)
    return DataModule()


@on_hosts
async def test_a_statement_of_a_request_is_planned_when_somebody_asks(data: DataModule, build: Build) -> None:
    app = build(data)
    checkouts: list[Any] = []
    async with started(app):
        await request(app, "/work?n=1", **LOCAL)
        [noted] = (await seen(app))["requests"]
        fingerprint = next(one["fingerprint"] for one in noted["statements"] if one["fingerprint"])
        page = await seen(app, "/_data")
        event.listen(data.get_engine().sync_engine, "checkout", lambda *told: checkouts.append(told))
        plan = (await seen(app, f"/_data?profile=main&plan={fingerprint}&json"))["plan"]
        shown = await seen(app, f"/_data?profile=main&plan={fingerprint}")

    assert f'href="?profile=main&amp;plan={fingerprint}"' in page
    assert (plan["statement"], plan["lines"], plan["problem"]) == ("SELECT ?, ?, ?", ["SCAN CONSTANT ROW"], "")
    assert "SCAN CONSTANT ROW" in shown
    assert checkouts == [], "it is asked beside the pool"
    assert CANARY not in page + shown + json.dumps(plan)


async def test_a_slow_statement_is_planned_too(data: DataModule) -> None:
    app = with_starlette(data)
    async with started(app):
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
        [slow] = [one for one in (await seen(app))["slow"] if one["kind"] == "statement"]
        page = await seen(app, f"/_data?profile=main&plan={slow['fingerprint']}")

    assert page.count(f"plan={slow['fingerprint']}") == 1
    assert "SCAN CONSTANT ROW" in page


async def test_nothing_is_planned_by_itself(data: DataModule, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def explain(*told: Any) -> tuple[str, ...]:
        asked.append(told)
        return ()

    monkeypatch.setattr(data, "explain", explain)
    app = with_starlette(data)
    async with started(app):
        await request(app, "/work?n=6", **LOCAL)
        told = await seen(app)
        await seen(app, "/_data")

    assert (asked, told["plan"]) == ([], None)


@pytest.mark.parametrize("given", ["00ff00ff", "SELECT 1", "DELETE FROM orders", ""])
async def test_what_the_address_names_is_not_planned(data: DataModule, given: str) -> None:
    app = with_starlette(data)
    async with started(app):
        plan = (await seen(app, f"/_data?profile=main&plan={given.replace(' ', '%20')}&json"))["plan"]

    assert (plan["statement"], plan["lines"]) == ("", [])
    assert plan["problem"] == "no statement that is remembered has this fingerprint"


async def test_what_a_server_refuses_is_told_on_the_page(data: DataModule) -> None:
    app = with_starlette(data)
    async with started(app):
        async with data.session() as session:
            await session.execute(text("CREATE TABLE gone (id integer)"))
            await session.execute(text("SELECT id FROM gone"))
            await session.execute(text("DROP TABLE gone"))
        slow = next(one for one in (await seen(app))["slow"] if one["statement"] == "SELECT id FROM gone")
        plan = (await seen(app, f"/_data?profile=main&plan={slow['fingerprint']}&json"))["plan"]

    assert plan["problem"].startswith("profile 'main': the server does not plan this statement")


@pytest.mark.parametrize(("site", "status"), [(b"cross-site", 403), (b"same-site", 403), (b"same-origin", 200)])
async def test_another_site_cannot_have_a_statement_planned(data: DataModule, site: bytes, status: int) -> None:
    app = with_starlette(data)
    headers = [*LOCAL["headers"], (b"sec-fetch-site", site), (b"sec-fetch-mode", b"navigate")]
    async with started(app):
        answer = await request(app, "/_data?profile=main&plan=00ff00ff", headers=headers)
        page = await request(app, "/_data", headers=headers)

    assert (answer.status, page.status) == (status, 200)
