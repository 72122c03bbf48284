"""No server of a profile can serve: 503 with `Retry-After` in each host, no address in the body (contract C11.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from myfy_data import ClusterError, DatabaseSettings, DataModule, DataSettings
from tests.clusters.profiles import until
from tests.hosts.client import request, started


def unreachable() -> DataModule:
    """A module whose profile `far` has two servers that are not there, on ports that nobody else takes."""
    hosts = ["127.0.0.1:1", "127.0.0.1:2"]
    far = DatabaseSettings(
        database_url="postgresql://app@/shop", hosts=hosts, cluster={"heartbeat": 1.5, "failover_timeout": 0.2}
    )
    near = DatabaseSettings(database_url="sqlite://")
    return DataModule(settings=DataSettings(default="near", profiles={"near": near, "far": far}))


async def ask(data: DataModule) -> dict[str, Any]:
    async with data.session("far") as session:
        await session.execute(text("SELECT 1"))
    return {}


def fastapi_app() -> Any:
    from fastapi import FastAPI  # noqa: PLC0415 - each host is imported where it is used

    from myfy_data.integrations.fastapi import setup  # noqa: PLC0415 - as above

    app, data = FastAPI(), unreachable()

    @app.get("/no-server")
    async def handle() -> dict[str, Any]:
        return await ask(data)

    setup(app, data)
    return app


def starlette_app() -> Any:
    from starlette.applications import Starlette  # noqa: PLC0415 - as above
    from starlette.responses import JSONResponse  # noqa: PLC0415 - as above
    from starlette.routing import Route  # noqa: PLC0415 - as above

    from myfy_data.integrations.starlette import setup  # noqa: PLC0415 - as above

    data = unreachable()

    async def handle(_request: Any) -> Any:
        return JSONResponse(await ask(data))

    app = Starlette(routes=[Route("/no-server", handle)])
    setup(app, data)
    return app


def litestar_app() -> Any:
    from litestar import Litestar, get  # noqa: PLC0415 - as above

    from myfy_data.integrations.litestar import DataPlugin  # noqa: PLC0415 - as above

    data = unreachable()

    @get("/no-server")
    async def handle() -> dict[str, Any]:
        return await ask(data)

    return Litestar([handle], plugins=[DataPlugin(data)])


def myfy_app() -> Any:
    from myfy.core import Application  # noqa: PLC0415 - as above
    from myfy.web import WebModule, create_asgi_app_with_lifespan, route  # noqa: PLC0415 - as above

    data = unreachable()
    application = Application(auto_discover=False)
    application.add_module(WebModule())
    application.add_module(data)

    @route.get("/no-server")
    async def handle() -> dict[str, Any]:
        return await ask(data)

    return create_asgi_app_with_lifespan(application)


@pytest.mark.parametrize(
    "make", [fastapi_app, starlette_app, litestar_app, pytest.param(myfy_app, marks=pytest.mark.myfy)]
)
@pytest.mark.filterwarnings("ignore:Support for class-based")
async def test_a_request_is_told_to_come_again(make: Callable[[], Any]) -> None:
    app = make()
    async with started(app) as state:
        answer = await request(app, "/no-server", state=state)

    assert answer.status == 503
    assert (b"retry-after", b"2") in [(name.lower(), value) for name, value in answer.messages[0]["headers"]]
    assert "127.0.0.1" not in answer.text


async def test_the_error_names_every_server() -> None:
    async with unreachable() as data:
        with pytest.raises(ClusterError, match="no primary within"):
            await ask(data)  # from now on they are looked at
        await until(lambda: {host.role for host in data.cluster("far").hosts} == {"down"})
        with pytest.raises(ClusterError, match="no primary within") as caught:
            await ask(data)

    assert [server.role for server in caught.value.servers] == ["down", "down"]
