"""One throw-away table on each kind of database, for tests that must hold on all of them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import registry
from sqlalchemy.pool import NullPool

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.registry import EngineRegistry
from tests.tcp_proxy import Relay, relay_to

SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mysql),
]
ALL = ["sqlite", "memory", *SERVERS]
PERSISTENT = ["sqlite", *SERVERS]
"""Databases that a second connection can look into."""

OF_THE_KIT = [
    pytest.param("sqlite", marks=pytest.mark.data("sqlite")),
    pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.data("postgresql")]),
    pytest.param("mysql", marks=[pytest.mark.mysql, pytest.mark.data("mysql", isolation="database")]),
]
"""Profiles of the test kit (tests/applications), in which a test may make tables: the kit takes them back."""

DEFERRING = ["sqlite", "memory", SERVERS[0]]
"""Databases whose COMMIT itself can fail on a constraint."""


def url_of(kind: str, request: pytest.FixtureRequest, directory: Path) -> str:
    """The URL of a database of this kind."""
    if kind == "memory":
        return "sqlite+aiosqlite:///:memory:"
    if kind == "sqlite":
        return f"sqlite+aiosqlite:///{directory / 'app.db'}"
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@dataclass
class Database:
    """A database with a table of notes, in which each text stands once.

    Attributes:
        kind: `sqlite`, `memory`, `postgresql` or `mysql`.
        url: where it is.
    """

    kind: str
    url: str
    metadata: MetaData = field(default_factory=MetaData)

    def __post_init__(self) -> None:
        unique = secrets.token_hex(4)
        self.notes = Table(
            f"notes_{unique}",
            self.metadata,
            Column("id", Integer, primary_key=True),
            Column("text", String(50), unique=True),
        )
        if self.kind != "mysql":
            parent = ForeignKey(f"notes_{unique}.id", deferrable=True, initially="DEFERRED")
            self.replies = Table(
                f"replies_{unique}", self.metadata, Column("id", Integer, primary_key=True), Column("note_id", parent)
            )

    def settings(self, **settings: Any) -> DatabaseSettings:
        """Settings of a profile for this database, with a small pool.

        Its connections count as used a moment ago, however long a busy machine takes between two sessions.
        """
        defaults = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 30.0, "connect_timeout": 30.0}
        defaults["pool_pre_ping_idle"] = 600.0
        return DatabaseSettings(database_url=self.url, **{**defaults, **settings})

    def module(self, **settings: Any) -> DataModule:
        """A module whose one profile, `main`, is this database."""
        return DataModule(settings=DataSettings(profiles={"main": self.settings(**settings)}))

    def mapped(self) -> Callable[..., Any]:
        """A class of its own for the notes, as an ORM maps it."""
        note = type("Note", (), {})
        registry(metadata=self.metadata).map_imperatively(note, self.notes)
        return note

    def note(self, note: str) -> Any:
        """The statement that stores a note."""
        return insert(self.notes).values(text=note)

    def orphan(self) -> Any:
        """The statement that makes the next COMMIT fail."""
        return insert(self.replies).values(note_id=12345)

    async def create(self, engine: AsyncEngine) -> None:
        """Create the tables on an engine; `memory` knows no other place."""
        async with engine.begin() as connection:
            await connection.run_sync(self.metadata.create_all)

    async def texts(self, session: AsyncSession) -> list[str]:
        """The notes that a session sees."""
        return list(await session.scalars(select(self.notes.c.text).order_by(self.notes.c.text)))

    async def stored(self) -> list[str]:
        """The notes that a connection of its own sees."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        async with engine.connect() as connection:
            found = await connection.scalars(select(self.notes.c.text).order_by(self.notes.c.text))
            return list(found)

    async def run(self, *statements: str) -> Sequence[Any]:
        """Run statements on a connection of its own and commit; the rows of the last one."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        rows: Sequence[Any] = ()
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
                rows = result.all() if result.returns_rows else ()
        return rows

    @asynccontextmanager
    async def relayed(self) -> AsyncIterator[Relay]:
        """Modules that are made inside the block reach the server through a relay."""
        straight = self.url
        async with relay_to(straight) as (relay, roundabout):
            self.url = roundabout
            try:
                yield relay
            finally:
                self.url = straight

    async def drop(self) -> None:
        """Drop the tables; SQLite's go with their file."""
        if self.kind not in ("sqlite", "memory"):
            await self.run(*(f"DROP TABLE {table.name}" for table in reversed(self.metadata.sorted_tables)))


CONNECTION_ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL CONNECTION {}"}
SLOW = {"postgresql": "SELECT pg_sleep(2)", "mysql": "SELECT SLEEP(2)"}
"""A statement that takes two seconds, which MariaDB finishes whatever happens to its client."""

SLOW_ON_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n"
)
"""A statement that takes minutes, and is interrupted."""


def slow(kind: str) -> str:
    """A statement that is still running when a test cancels it."""
    return SLOW.get(kind, SLOW_ON_SQLITE)


@asynccontextmanager
async def opened(settings: DatabaseSettings) -> AsyncIterator[EngineRegistry]:
    """A registry of one profile, `main`, that is closed when the block ends."""
    registry = EngineRegistry({"main": settings})
    try:
        yield registry
    finally:
        await registry.close()
