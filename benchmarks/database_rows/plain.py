"""SQLAlchemy as its documentation shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from database_rows.common import POOL
from database_rows.mapped import MappedOperations


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - a row's setting
    """Open the pool."""
    engine = create_async_engine(url, pool_pre_ping=pre_ping, **POOL)
    make_session = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def committed() -> AsyncIterator[AsyncSession]:
        async with make_session() as session:
            yield session
            await session.commit()

    yield MappedOperations(committed)
    await engine.dispose()
