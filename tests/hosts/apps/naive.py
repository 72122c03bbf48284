"""What many applications do instead, to see that the tests would notice: the commit follows the response."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

SESSION = "tests.hosts.naive"


class CommitAfterwards:
    """A middleware with one session around the whole request."""

    def __init__(self, app: Any, maker: async_sessionmaker[AsyncSession]) -> None:
        self._app = app
        self._maker = maker

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with self._maker.begin() as session:
            scope[SESSION] = session
            await self._app(scope, receive, send)
