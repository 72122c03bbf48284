"""A MySQL connection has the isolation level that its profile, its server or its listeners chose (contract C9)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from myfy_data import DataModule
from tests.databases import Database

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

LEVELS = ["READ COMMITTED", "SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT"]
RESETS = ["rollback", "discard"]


def choose(data: DataModule, level: str) -> None:
    """A user's listener, as SQLAlchemy documents it for settings of a session."""

    def listen(dbapi_connection: Any, _record: object) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        cursor.close()

    event.listen(data.get_engine().sync_engine, "connect", listen)


async def level_of(database: Database, data: DataModule) -> tuple[str, int]:
    """What the next session has."""
    async with data.session() as session:
        is_mariadb = "MariaDB" in str(await session.scalar(text("SELECT version()")))
        variable = "tx_isolation" if is_mariadb else "transaction_isolation"
        level, autocommit = (await session.execute(text(f"SELECT @@{variable}, @@autocommit"))).one()
        return level.replace("-", " "), autocommit


async def other_level(data: DataModule, level: str) -> None:
    async with data.session() as session:
        await session.connection(execution_options={"isolation_level": level})
        await session.execute(text("SELECT 1"))


@on_mysql
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("of_profile", [None, "READ COMMITTED", "AUTOCOMMIT"])
async def test_a_sessions_own_level_is_gone_with_it(
    database: Database, level: str, reset: str, of_profile: str | None
) -> None:
    async with database.module(pool_size=1, pool_reset_on_return=reset, isolation_level=of_profile) as data:
        before = await level_of(database, data)

        await other_level(data, level)

        assert await level_of(database, data) == before


@on_mysql
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("of_profile", [None, "READ COMMITTED", "AUTOCOMMIT"])
async def test_a_listeners_level_outlasts_every_session(
    database: Database, level: str, reset: str, of_profile: str | None
) -> None:
    async with database.module(pool_size=1, pool_reset_on_return=reset, isolation_level=of_profile) as data:
        choose(data, "SERIALIZABLE")
        await data.get_engine().dispose()
        await other_level(data, level)  # also as the first user of its connection

        for _ in range(2):
            assert await level_of(database, data) == ("SERIALIZABLE", int(of_profile == "AUTOCOMMIT"))


@on_mysql
async def test_the_dialects_own_reset_leads_to_the_connections_own_level(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        choose(data, "SERIALIZABLE")
        await data.get_engine().dispose()
        async with data.get_engine().connect() as connection:
            dbapi_connection: Any = (await connection.get_raw_connection()).dbapi_connection
            dialect = data.get_engine().dialect
            await connection.execute(text("SELECT 1"))
            await connection.rollback()
            await connection.run_sync(lambda _: dialect.set_isolation_level(dbapi_connection, "READ COMMITTED"))
            await connection.run_sync(lambda _: dialect.reset_isolation_level(dbapi_connection))

            level = await connection.run_sync(lambda _: dialect.get_isolation_level(dbapi_connection))

    assert level == "SERIALIZABLE"
