"""Litestar with this package."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from host_apps.common import POOL, PRE_PING, URL, Item
from myfy_data import DatabaseSettings, DataModule
from myfy_data.integrations.litestar import DataPlugin

data = DataModule(settings=DatabaseSettings(database_url=URL, pool_pre_ping=PRE_PING, **POOL))


@get("/items/{item_id:int}")
async def read(item_id: int, session: AsyncSession) -> dict[str, Any]:
    """Read one row."""
    item = await session.get_one(Item, item_id)
    return item.shown()


@post("/items/{name:str}")
async def insert(name: str, session: AsyncSession) -> dict[str, Any]:
    """Store one row."""
    session.add(item := Item(name=name))
    await session.flush()
    return item.shown()


app = Litestar([read, insert], plugins=[DataPlugin(data)], openapi_config=None)
