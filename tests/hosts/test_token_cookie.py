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
from tests.clusters.postgresql import PostgresqlCluster
from tests.hosts.client import Answer, request, started
from tests.integration.test_cluster_own_writes import COUNT, INSERT, database, lagging, replicas_serve
from tests.integration.test_cluster_postgresql import PORT, settings_of, table

__all__ = ["database", "table"]

pytestmark = pytest.mark.postgresql

COOKIE = {"read_your_writes": "cookie", "read_your_writes_key": "0123456789abcdef0123456789abcdef"}
Answering = Callable[[DataModule], Awaitable[dict[str, Any]]]


async def write(data: DataModule) -> dict[str, Any]:
    async with data.session() as session:
        await session.execute(INSERT)
    return {}


async def read(data: DataModule) -> dict[str, Any]:
    async with data.session(read_only=True) as session:
        return {"rows": await session.scalar(COUNT), "port": await session.scalar(text(PORT))}


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


def starlette_app(data: DataModule) -> Any:
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
