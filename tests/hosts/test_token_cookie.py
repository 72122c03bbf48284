"""The cookie that takes what a client wrote to its next requests, in each host (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from myfy_data import DataModule, DataSettings
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.connect.position import Position
from tests.asyncio_servers import PATIENCE
from tests.clusters.mariadb import MariaCluster
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import host, role, until
from tests.hosts.client import Answer, request, started
from tests.integration.test_cluster_mariadb import profile
from tests.integration.test_cluster_mariadb import table as maria_table
from tests.integration.test_cluster_own_writes import COUNT, INSERT, database, lagging, replicas_serve
from tests.integration.test_cluster_postgresql import PORT, settings_of, table

__all__ = ["database", "maria_table", "table"]

pytestmark = pytest.mark.postgresql

COOKIE = {"read_your_writes": "cookie", "read_your_writes_key": "0123456789abcdef0123456789abcdef"}
Answering = Callable[[DataModule], Awaitable[dict[str, Any]]]


async def write(data: DataModule) -> dict[str, Any]:
    async with data.session() as session:
        await session.execute(INSERT)
    return {}


async def insert(data: DataModule) -> dict[str, Any]:
    async with data.session() as session:
        await session.execute(text("INSERT INTO t VALUES (1), (2)"))
    return {}


async def read(data: DataModule) -> dict[str, Any]:
    async with data.session(read_only=True) as session:
        port = PORT if session.get_bind().dialect.name == "postgresql" else "SELECT @@port"
        return {"rows": await session.scalar(COUNT), "port": await session.scalar(text(port))}


def fastapi_app(data: DataModule) -> Any:
    from fastapi import FastAPI  # noqa: PLC0415 - each host is imported where it is used

    from myfy_data.integrations.fastapi import setup  # noqa: PLC0415 - as above

    app = FastAPI()

    @app.get("/write")
    async def handle_write() -> dict[str, Any]:
        return await write(data)

    @app.get("/read")
    async def handle_read() -> dict[str, Any]:
        return await read(data)

    setup(app, data, **COOKIE)
    return app


def starlette_app(data: DataModule, write: Answering = write) -> Any:
    from starlette.applications import Starlette  # noqa: PLC0415 - as above
    from starlette.responses import JSONResponse  # noqa: PLC0415 - as above
    from starlette.routing import Route  # noqa: PLC0415 - as above

    from myfy_data.integrations.starlette import setup  # noqa: PLC0415 - as above

    def handling(work: Answering) -> Any:
        async def handle(_request: Any) -> Any:
            return JSONResponse(await work(data))

        return handle

    app = Starlette(routes=[Route("/write", handling(write)), Route("/read", handling(read))])
    setup(app, data, **COOKIE)
    return app


def litestar_app(data: DataModule) -> Any:
    from litestar import Litestar, get  # noqa: PLC0415 - as above

    from myfy_data.integrations.litestar import DataPlugin  # noqa: PLC0415 - as above

    @get("/write")
    async def handle_write() -> dict[str, Any]:
        return await write(data)

    @get("/read")
    async def handle_read() -> dict[str, Any]:
        return await read(data)

    return Litestar([handle_write, handle_read], plugins=[DataPlugin(data, **COOKIE)])


def myfy_app(data: DataModule) -> Any:
    from myfy.core import Application  # noqa: PLC0415 - as above
    from myfy.web import WebModule, create_asgi_app_with_lifespan, route  # noqa: PLC0415 - as above

    data.carry_tokens("cookie", COOKIE["read_your_writes_key"])  # as `DataModule(read_your_writes="cookie", ...)` does
    application = Application(auto_discover=False)
    application.add_module(WebModule())
    application.add_module(data)

    @route.get("/write")
    async def handle_write() -> dict[str, Any]:
        return await write(data)

    @route.get("/read")
    async def handle_read() -> dict[str, Any]:
        return await read(data)

    return create_asgi_app_with_lifespan(application)


def cookie_of(answer: Answer) -> str | None:
    """The value of the cookie that a response sets."""
    set_ = [value for name, value in answer.messages[0]["headers"] if name.lower() == b"set-cookie"]
    assert len(set_) <= 1
    if not set_:
        return None
    pair, *attributes = set_[0].decode().split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert any(one.startswith("Max-Age=720") for one in attributes)  # twice max_lag, and a part of a second
    name, value = pair.split("=", 1)
    assert name == "myfy_data_token"
    return value


def position_in(cookie: str) -> Position | None:
    """What a replica must have applied."""
    content = cookie.split(".", maxsplit=1)[0]
    token = Token.parse(json.loads(urlsafe_b64decode(content + "=" * (-len(content) % 4)))["main"][2])
    return token.position if token is not None else None


def with_cookie(value: str | None) -> dict[str, Any]:
    headers = [(b"host", b"here")]
    if value is not None:
        headers.append((b"cookie", f"other=1; myfy_data_token={value}; more=2".encode()))
    return {"headers": headers}


@pytest.mark.parametrize(
    "make", [fastapi_app, starlette_app, litestar_app, pytest.param(myfy_app, marks=pytest.mark.myfy)]
)
@pytest.mark.filterwarnings("ignore:Support for class-based")
async def test_the_next_request_of_a_client_finds_what_it_wrote(
    cluster: PostgresqlCluster, table: str, make: Callable[[DataModule], Any]
) -> None:
    reads = {"from": "prefer-replica", "max_lag": 3600.0, "wait": 0.05}
    settings = settings_of(cluster.addresses, table, reads=reads)
    data = DataModule(settings=DataSettings(profiles={"main": settings}))
    app = make(data)
    async with started(app) as state:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)

        async def ask(path: str, cookie: str | None = None) -> tuple[dict[str, Any], str | None]:
            answer = await request(app, path, state=state, **with_cookie(cookie))
            assert answer.status == 200, answer.text
            return json.loads(answer.text), cookie_of(answer)

        _, cookie = await ask("/write")
        assert cookie is not None
        stranger, none = await ask("/read")
        assert (stranger["rows"], none) == (0, None)  # a client that wrote nothing
        own, none = await ask("/read", cookie)
        assert (own, none) == ({"rows": 1, "port": cluster.n1.port}, None)
        tampered, replaced = await ask("/read", cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"))
        assert tampered["port"] == cluster.n1.port
        assert replaced is not None  # so that it ends by itself
        again, _ = await ask("/read", replaced)
        assert again["port"] == cluster.n1.port
        assert position_in(cookie) is not None
        assert position_in(replaced) is None


async def test_a_response_that_was_overtaken_brings_no_older_cookie(cluster: PostgresqlCluster, table: str) -> None:
    """Its request has committed before the other one, and its cookie takes the place of the other one's."""
    settings = settings_of(cluster.addresses, table, reads={"from": "prefer-replica", "max_lag": 3600.0, "wait": 2.0})
    data = DataModule(settings=DataSettings(profiles={"main": settings}))
    committed, overtaken = asyncio.Event(), asyncio.Event()

    async def write_first_and_answer_last(data: DataModule) -> dict[str, Any]:
        async with data.session() as session:
            await session.execute(text("INSERT INTO t SELECT count(*) FROM t"))
        if not committed.is_set():
            committed.set()
            await overtaken.wait()
        return {}

    app = starlette_app(data, write_first_and_answer_last)
    async with started(app) as state:
        await replicas_serve(data, cluster)
        first = asyncio.create_task(request(app, "/write", state=state, **with_cookie(None)))
        async with asyncio.timeout(PATIENCE):
            await committed.wait()
        await asyncio.to_thread(cluster.await_replicas)
        await asyncio.to_thread(lagging, cluster)
        second = await request(app, "/write", state=state, **with_cookie(None))
        overtaken.set()
        last = cookie_of(await first)
        answer = await request(app, "/read", state=state, **with_cookie(last))

    assert cookie_of(second) is not None
    assert json.loads(answer.text) == {"rows": 2, "port": cluster.n1.port}


@pytest.mark.mysql
async def test_on_mariadb_the_cookie_carries_a_gtid(maria: MariaCluster, maria_table: str) -> None:
    reads = {"from": "prefer-replica", "max_lag": 3600.0, "wait": 2.0}
    data = DataModule(settings=DataSettings(profiles={"main": profile(maria, maria_table, reads=reads)}))
    app = starlette_app(data, insert)
    async with started(app) as state:
        await until(lambda: role(data, maria.m2) == "replica")

        async def ask(path: str, cookie: str | None = None) -> Answer:
            answer = await request(app, path, state=state, **with_cookie(cookie))
            assert answer.status == 200, answer.text
            return answer

        await asyncio.to_thread(maria.m2.pause_replay)
        await until(lambda: role(data, maria.m2) != "down")
        cookie = cookie_of(await ask("/write"))
        assert cookie is not None
        assert json.loads((await ask("/read", cookie)).text) == {"rows": 2, "port": maria.m1.port}
        await asyncio.to_thread(maria.m2.resume_replay)
        await asyncio.to_thread(maria.m2.await_position, maria.m1)
        await until(lambda: host(data, maria.m2).lag == 0.0)
        assert json.loads((await ask("/read", cookie)).text) == {"rows": 2, "port": maria.m2.port}

    found = position_in(cookie)
    assert found is not None
    assert found.text.startswith(f"0-{maria.m1.port}-")
