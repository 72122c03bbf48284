"""advanced-alchemy's own configuration; outside a web framework it leaves the commit to the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from advanced_alchemy.config import AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from sqlalchemy.ext.asyncio import AsyncSession

from database_rows.common import POOL
from database_rows.mapped import MappedOperations


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - a row's setting
    """Open the pool."""
    config = SQLAlchemyAsyncConfig(
        connection_string=url,
        session_config=AsyncSessionConfig(expire_on_commit=False),
        engine_config=EngineConfig(pool_pre_ping=pre_ping, **POOL),
    )

    @asynccontextmanager
    async def committed() -> AsyncIterator[AsyncSession]:
        async with config.get_session() as session:
            yield session
            await session.commit()

    yield MappedOperations(committed)
    await config.get_engine().dispose()
