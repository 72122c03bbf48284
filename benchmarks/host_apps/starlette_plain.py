"""Starlette with a session in each endpoint."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from host_apps.common import Item, plain_engine

make_session = async_sessionmaker(plain_engine(), expire_on_commit=False)


async def read(request: Request) -> JSONResponse:
    """Read one row."""
    async with make_session() as session:
        item = await session.get_one(Item, request.path_params["item_id"])
        await session.commit()
    return JSONResponse(item.shown())


async def insert(request: Request) -> JSONResponse:
    """Store one row."""
    async with make_session() as session:
        session.add(item := Item(name=request.path_params["name"]))
        await session.commit()
    return JSONResponse(item.shown(), 201)


app = Starlette(routes=[Route("/items/{item_id:int}", read), Route("/items/{name}", insert, methods=["POST"])])
