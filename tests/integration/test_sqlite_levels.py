"""SQLite: SQLAlchemy's isolation levels and its questions about AUTOCOMMIT are answered truly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.connect.backend import adapted
from tests.sqlite_files import counted, database_with_counter, increment, opened

ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5.0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    async with opened(path, **ONE) as engine:
        yield engine


async def fail(connection: AsyncConnection) -> None:
    await increment(connection)
    raise LookupError


async def test_autocommit_of_a_connection_is_reset_when_it_comes_back(engine: AsyncEngine, path: Path) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await increment(connection)
    with suppress(LookupError):
        async with engine.begin() as connection:
            await fail(connection)

    assert await counted(path) == 1


async def test_autocommit_of_an_engine_is_its_connections(engine: AsyncEngine, path: Path) -> None:
    with suppress(LookupError):
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await fail(connection)

    assert await counted(path) == 1


async def test_the_dialect_resets_the_level(engine: AsyncEngine, path: Path) -> None:
    """What pools and extensions call that set a level behind SQLAlchemy's back."""
    async with engine.connect() as connection:

        def work(sync: Any) -> tuple[str, str]:
            dialect, dbapi = sync.dialect, sync.connection.dbapi_connection
            dialect.set_isolation_level(dbapi, "AUTOCOMMIT")
            during = dialect.get_isolation_level(dbapi)
            dialect.reset_isolation_level(dbapi)
            return during, dialect.get_isolation_level(dbapi)

        levels = await connection.run_sync(work)
        with suppress(LookupError):
            await fail(connection)
        await connection.rollback()

    assert levels == ("AUTOCOMMIT", "SERIALIZABLE")
    assert await counted(path) == 0


@pytest.mark.parametrize("profile", [None, "AUTOCOMMIT", "SERIALIZABLE"])
async def test_a_level_is_reset_to_the_profiles(path: Path, profile: str | None) -> None:
    async with opened(path, **ONE | {"isolation_level": profile}) as engine:
        for level in ("AUTOCOMMIT", "SERIALIZABLE", "READ UNCOMMITTED"):
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level=level)

                assert await connection.get_isolation_level() == level
            async with engine.connect() as connection:
                assert await connection.get_isolation_level() == (profile or "SERIALIZABLE")


async def test_a_level_costs_no_connection(engine: AsyncEngine) -> None:
    seen = set()
    for level in ("SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT"):
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level=level)
            await connection.execute(text("SELECT 1"))
            seen.add((await connection.get_raw_connection()).driver_connection)

    assert len(seen) == 1


@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
async def test_rollback_is_left_out_in_autocommit_alone(path: Path, level: str | None) -> None:
    async with opened(path, **ONE, engine_options={"skip_autocommit_rollback": True}) as engine:
        async with engine.connect() as connection:
            if level:
                await connection.execution_options(isolation_level=level)
            with suppress(LookupError):
                await fail(connection)
        async with engine.begin() as connection:  # the next user finds no transaction open
            await increment(connection)

    assert await counted(path) == (2 if level else 1)


async def test_a_transaction_of_the_users_in_autocommit_is_rolled_back(path: Path) -> None:
    async with opened(path, **ONE, engine_options={"skip_autocommit_rollback": True}) as engine:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("BEGIN"))
            await increment(connection)
        async with engine.begin() as connection:
            await increment(connection)

    assert await counted(path) == 1


async def test_the_dialect_says_whether_a_connection_is_in_autocommit(engine: AsyncEngine) -> None:
    def asked(sync: Any) -> bool:
        return bool(sync.dialect.detect_autocommit_setting(sync.connection.dbapi_connection))

    async with engine.connect() as connection:
        answers = [await connection.run_sync(asked)]
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        answers.append(await connection.run_sync(asked))
        raw = (await connection.get_raw_connection()).dbapi_connection

        assert adapted(raw).driver_connection.autocommit
    assert answers == [False, True]
