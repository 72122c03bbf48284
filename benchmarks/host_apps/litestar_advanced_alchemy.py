"""Litestar with advanced-alchemy, which commits before the response and answers 201 when that fails."""

from __future__ import annotations

from typing import Any

from advanced_alchemy.extensions.litestar import (
    AsyncSessionConfig,
    EngineConfig,
    SQLAlchemyAsyncConfig,
    SQLAlchemyPlugin,
)
from litestar import Litestar, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from host_apps.common import POOL, PRE_PING, URL, Item


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


alchemy = SQLAlchemyAsyncConfig(
    connection_string=URL,
    before_send_handler="autocommit",
    session_dependency_key="session",
    session_config=AsyncSessionConfig(expire_on_commit=False),
    engine_config=EngineConfig(pool_pre_ping=PRE_PING, **POOL),
)
app = Litestar([read, insert], plugins=[SQLAlchemyPlugin(config=alchemy)], openapi_config=None)
