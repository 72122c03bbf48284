"""FastAPI with advanced-alchemy, which commits after the response."""

from __future__ import annotations

from typing import Annotated, Any

from advanced_alchemy.extensions.fastapi import AdvancedAlchemy, AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from host_apps.common import POOL, PRE_PING, URL, Item

app = FastAPI()
alchemy = AdvancedAlchemy(
    config=SQLAlchemyAsyncConfig(
        connection_string=URL,
        commit_mode="autocommit",
        session_config=AsyncSessionConfig(expire_on_commit=False),
        engine_config=EngineConfig(pool_pre_ping=PRE_PING, **POOL),
    ),
    app=app,
)
Session = Annotated[AsyncSession, Depends(alchemy.provide_session())]


@app.get("/items/{item_id}")
async def read(item_id: int, session: Session) -> dict[str, Any]:
    """Read one row."""
    item = await session.get_one(Item, item_id)
    return item.shown()


@app.post("/items/{name}", status_code=201)
async def insert(name: str, session: Session) -> dict[str, Any]:
    """Store one row."""
    session.add(item := Item(name=name))
    await session.flush()
    return item.shown()
