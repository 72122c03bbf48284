"""FastAPI with a `yield` dependency, as SQLAlchemy is mostly used there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from host_apps.common import Item, plain_engine

make_session = async_sessionmaker(plain_engine(), expire_on_commit=False)
app = FastAPI()


async def get_session() -> AsyncIterator[AsyncSession]:
    """A session per request, committed when the handler is done."""
    async with make_session() as session:
        yield session
        await session.commit()


Session = Annotated[AsyncSession, Depends(get_session)]


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
