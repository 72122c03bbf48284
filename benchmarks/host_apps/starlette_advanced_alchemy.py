"""Starlette with advanced-alchemy, which commits after the response."""

from __future__ import annotations

from advanced_alchemy.extensions.starlette import (
    AdvancedAlchemy,
    AsyncSessionConfig,
    EngineConfig,
    SQLAlchemyAsyncConfig,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from host_apps.common import POOL, PRE_PING, URL, Item


async def read(request: Request) -> JSONResponse:
    """Read one row."""
    item = await alchemy.get_async_session(request).get_one(Item, request.path_params["item_id"])
    return JSONResponse(item.shown())


async def insert(request: Request) -> JSONResponse:
    """Store one row."""
    session = alchemy.get_async_session(request)
    session.add(item := Item(name=request.path_params["name"]))
    await session.flush()
    return JSONResponse(item.shown(), 201)


app = Starlette(routes=[Route("/items/{item_id:int}", read), Route("/items/{name}", insert, methods=["POST"])])
alchemy = AdvancedAlchemy(
    config=SQLAlchemyAsyncConfig(
        connection_string=URL,
        commit_mode="autocommit",
        session_config=AsyncSessionConfig(expire_on_commit=False),
        engine_config=EngineConfig(pool_pre_ping=PRE_PING, **POOL),
    ),
    app=app,
)
