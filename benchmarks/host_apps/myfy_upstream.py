"""myfy with the upstream package of our name, which also commits what failed."""

from __future__ import annotations

from typing import Any

from myfy.core import Application
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from starlette.responses import JSONResponse

from host_apps.common import POOL, PRE_PING, URL, Item
from myfy.data import AsyncSession, DatabaseSettings, DataModule


@route.get("/items/{item_id}")
async def read(item_id: int, session: AsyncSession) -> dict[str, Any]:
    """Read one row."""
    item = await session.get_one(Item, item_id)
    return item.shown()


@route.post("/items/{name}")
async def insert(name: str, session: AsyncSession) -> JSONResponse:
    """Store one row."""
    session.add(item := Item(name=name))
    await session.flush()
    return JSONResponse(item.shown(), 201)


application = Application(auto_discover=False)
application.add_module(WebModule())
application.add_module(DataModule(settings=DatabaseSettings(database_url=URL, pool_pre_ping=PRE_PING, **POOL)))
app = create_asgi_app_with_lifespan(application)
