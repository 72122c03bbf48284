"""A database for a test, under the names that upstream's package has in this place.

Applications that begin today find more in `myfy_data.testing`. pytest collects none of the names here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.orm import DeclarativeBase

from myfy_data import AsyncEngine, AsyncSession, DatabaseSettings, DataModule, DataSettings, SessionFactory
from myfy_data.module.startup import create_tables

__all__ = ["TestDatabaseFixture", "create_test_tables", "drop_test_tables", "test_database", "test_session"]

_IN_MEMORY = "sqlite+aiosqlite:///:memory:"


@asynccontextmanager
async def test_database(
    *,
    database_url: str = _IN_MEMORY,  # noqa: PT028 - no test, in spite of its name
    echo: bool = False,  # noqa: PT028 - as above
) -> AsyncIterator[tuple[DataModule, SessionFactory]]:
    """A started module with this one database; neither files nor variables have a say in it.

    Args:
        database_url: the database; by default one in memory, which ends with the block.
        echo: log all SQL.

    Raises:
        InvalidDatabaseURLError: the URL cannot be used.
        DatabaseConnectionError: the database does not answer.
    """
    profile = DatabaseSettings(database_url=database_url, echo=echo)
    settings = DataSettings(environment="test", default="default", profiles={"default": profile})
    async with DataModule(settings=settings) as module:
        yield module, module.get_session_factory()


@asynccontextmanager
async def test_session(session_factory: SessionFactory) -> AsyncIterator[AsyncSession]:
    """A session that is committed when the block ends well, and rolled back when it raises."""
    async with session_factory.session_context() as session:
        yield session


async def create_test_tables(engine: AsyncEngine, base: type[DeclarativeBase]) -> None:
    """Create the tables of a declarative base."""
    await create_tables(engine, base.metadata)


async def drop_test_tables(engine: AsyncEngine, base: type[DeclarativeBase]) -> None:
    """Drop the tables of a declarative base."""
    async with engine.begin() as connection:
        await connection.run_sync(base.metadata.drop_all)


class TestDatabaseFixture:
    """`test_database` as an object, for a fixture that tests reach into.

    Args:
        database_url: as in `test_database`.
        echo: log all SQL.
    """

    __test__ = False

    def __init__(self, database_url: str = _IN_MEMORY, echo: bool = False) -> None:  # noqa: FBT001, FBT002 - upstream's
        self.database_url = database_url
        self.echo = echo
        self._module: DataModule | None = None

    @asynccontextmanager
    async def setup(self) -> AsyncIterator[tuple[DataModule, SessionFactory]]:
        """The database, from here to the end of the block."""
        async with test_database(database_url=self.database_url, echo=self.echo) as (module, factory):
            self._module = module
            try:
                yield module, factory
            finally:
                self._module = None

    @property
    def module(self) -> DataModule:
        """The started module.

        Raises:
            RuntimeError: outside of `setup`.
        """
        if self._module is None:
            raise RuntimeError("there is no database yet\n  fix: async with fixture.setup():")
        return self._module

    @property
    def session_factory(self) -> SessionFactory:
        """The database's session factory.

        Raises:
            RuntimeError: outside of `setup`.
        """
        return self.module.get_session_factory()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """As `test_session`."""
        async with test_session(self.session_factory) as session:
            yield session


for _name in ("test_database", "test_session"):
    setattr(globals()[_name], "__test__", False)  # noqa: B010 - pytest's own mark, which functions do not declare
