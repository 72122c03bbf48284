"""Litestar with a generator as the session's dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, get, post
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from host_apps.common import Item, plain_engine

make_session = async_sessionmaker(plain_engine(), expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    """A session per request, committed when the handler is done."""
    async with make_session() as session:
        yield session
        await session.commit()


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


app = Litestar([read, insert], dependencies={"session": Provide(get_session)}, openapi_config=None)
