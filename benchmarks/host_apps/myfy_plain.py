"""myfy with a session in each handler."""

from __future__ import annotations

from typing import Any

from myfy.core import SINGLETON, Application, provider
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.responses import JSONResponse

from host_apps.common import Item, plain_engine

MakeSession = async_sessionmaker[AsyncSession]


class Sessions:
    """What makes sessions; the container takes classes, and no generics."""

    def __init__(self) -> None:
        self.make: MakeSession = async_sessionmaker(plain_engine(), expire_on_commit=False)


@provider(scope=SINGLETON)
def sessions() -> Sessions:
    """One for the application."""
    return Sessions()


@route.get("/items/{item_id}")
async def read(item_id: int, sessions: Sessions) -> dict[str, Any]:
    """Read one row."""
    async with sessions.make() as session:
        item = await session.get_one(Item, item_id)
        await session.commit()
    return item.shown()


@route.post("/items/{name}")
async def insert(name: str, sessions: Sessions) -> JSONResponse:
    """Store one row."""
    async with sessions.make() as session:
        session.add(item := Item(name=name))
        await session.commit()
    return JSONResponse(item.shown(), 201)


application = Application(auto_discover=False)
application.add_module(WebModule())
app = create_asgi_app_with_lifespan(application)
