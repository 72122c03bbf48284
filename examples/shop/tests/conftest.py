"""The shop as a client sees it, on each host whose file is here."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from shop.models import Item

HOSTS = sorted(path.stem.removeprefix("app_") for path in Path(__file__).parents[1].glob("app_*.py"))
Opened = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(params=HOSTS)
def opened(request: pytest.FixtureRequest, data) -> Opened:
    """What opens a client, which speaks to the application in the loop of the test and without a server."""
    pytest.importorskip("myfy.web" if request.param == "myfy" else request.param)
    app = importlib.import_module(f"app_{request.param}").app

    @asynccontextmanager
    async def client() -> AsyncIterator[httpx.AsyncClient]:
        lifespan = app.lifespan() if request.param == "litestar" else app.router.lifespan_context(app)
        async with lifespan, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            yield client

    return client


@pytest.fixture
async def apples(data) -> None:
    """Three apples at 40 cents."""
    async with data.session() as session:
        session.add(Item(name="apple", price=40, stock=3))
