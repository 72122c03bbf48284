"""Starlette with this package."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from host_apps.common import POOL, PRE_PING, URL, Item
from myfy_data import DatabaseSettings, DataModule
from myfy_data.integrations.starlette import get_session, setup


async def read(request: Request) -> JSONResponse:
    """Read one row."""
    item = await get_session(request).get_one(Item, request.path_params["item_id"])
    return JSONResponse(item.shown())


async def insert(request: Request) -> JSONResponse:
    """Store one row."""
    session = get_session(request)
    session.add(item := Item(name=request.path_params["name"]))
    await session.flush()
    return JSONResponse(item.shown(), 201)


app = Starlette(routes=[Route("/items/{item_id:int}", read), Route("/items/{name}", insert, methods=["POST"])])
setup(app, DataModule(settings=DatabaseSettings(database_url=URL, pool_pre_ping=PRE_PING, **POOL)))
