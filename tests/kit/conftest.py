"""A project for each test, and databases that go with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.kit.project import KitProject


class Server:
    """Databases of one server whose names begin alike, dropped at the end."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.prefix = f"kit_{secrets.token_hex(3)}"

    def url(self, name: str = "test") -> str:
        """The URL of a database that is not there yet."""
        return self._url.set(database=f"{self.prefix}_{name}").render_as_string(hide_password=False)

    def run(self, statement: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run a statement outside of any transaction."""
        url = self._url if database is None else self._url.set(database=database)

        async def work() -> list[tuple[object, ...]]:
            engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
            async with engine.connect() as connection:
                result = await connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []

        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(lambda: asyncio.run(work())).result()

    def databases(self) -> list[str]:
        """Those that are there now, without their common beginning."""
        catalog = "pg_database" if self._url.get_backend_name() == "postgresql" else "information_schema.schemata"
        column = "datname" if "pg_" in catalog else "schema_name"
        found = self.run(f"SELECT {column} FROM {catalog}")
        return sorted(
            str(name).removeprefix(f"{self.prefix}_") for (name,) in found if str(name).startswith(self.prefix)
        )

    def drop(self) -> None:
        """Drop all of them."""
        force = " WITH (FORCE)" if self._url.get_backend_name() == "postgresql" else ""
        for name in self.databases():
            self.run(f"DROP DATABASE {self.prefix}_{name}{force}")


@pytest.fixture
def postgresql(postgresql_url: str) -> Iterator[Server]:
    server = Server(postgresql_url)
    yield server
    server.drop()


@pytest.fixture
def mysql(mysql_url: str) -> Iterator[Server]:
    server = Server(mysql_url)
    yield server
    server.drop()


@pytest.fixture
def kit_project(tmp_path: Path) -> KitProject:
    return KitProject(tmp_path)


@pytest.fixture(params=["sqlite", "memory", "postgresql", "mysql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a test database that is not there yet, on each kind of database."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop_test.db'}"
    server: Server = request.getfixturevalue(request.param)
    return server.url()
