"""FastAPI with this package."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from host_apps.common import POOL, PRE_PING, URL, Item
from myfy_data import DatabaseSettings, DataModule
from myfy_data.integrations.fastapi import Session, setup

app = FastAPI()
setup(app, DataModule(settings=DatabaseSettings(database_url=URL, pool_pre_ping=PRE_PING, **POOL)))


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
