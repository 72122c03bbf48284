"""A project that is reloaded, for tests of `data.reload()` on all databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text

from myfy_data import DataModule
from myfy_data.engines.draining import Opened
from tests.asyncio_servers import PATIENCE
from tests.sandbox import Sandbox

ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
LIMIT = {"postgresql": "SHOW statement_timeout", "mysql": "SELECT @@max_statement_time"}
NAME = {
    "postgresql": "SELECT current_setting('application_name')",
    "mysql": "SELECT 'no server tells it'",
}


class Project:
    """A project whose profile `main` leads to a database of the run."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self.sandbox = sandbox
        self.url = url
        self.kind = "sqlite" if url.startswith("sqlite") else "mysql" if url.startswith("mysql") else "postgresql"
        self.write()

    def write(
        self, *lines: str, more: str = "", url: str | None = None, root: Sequence[str] = ('default = "main"',)
    ) -> None:
        """Give the profile these lines, and the file another table."""
        text_ = "\n".join(
            ["[data]", *root, "[data.profiles.main]", f'database_url = "{url or self.url}"', *lines, more, ""]
        )
        self.sandbox.write("myfy.toml", text_)

    async def ids(self, data: DataModule, count: int = 2, profile: str = "main") -> list[int]:
        """The backend ids of so many connections."""
        sessions = [data.get_session_factory(profile).create_session() for _ in range(count)]
        try:
            return sorted([(await session.execute(text(ID[self.kind]))).scalar_one() for session in sessions])
        finally:
            for session in sessions:
                await session.close()


async def ask(data: DataModule, question: str) -> object:
    async with data.session("main") as session:
        return (await session.execute(text(question))).scalar_one()


@asynccontextmanager
async def drained(data: DataModule) -> AsyncIterator[list[Opened]]:
    """The engines that were replaced in the block, once they are closed."""
    replaced: list[Opened] = []
    yield replaced
    engines = data.engine_gate.registry.draining
    replaced += engines.engines
    async with asyncio.timeout(PATIENCE):
        await engines.wait()


def open_connections(opened: Opened) -> list[object]:
    return [
        connection
        for handle in opened.handles
        for connection in handle.backend.connections
        if not handle.backend.is_closed(connection) and not getattr(connection, "is_stopping", False)
    ]
