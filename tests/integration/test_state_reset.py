"""What one session leaves on its connection does not reach the next one, where the profile says so (ADR 16)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings

POISONS = {
    "postgresql": (
        "SET statement_timeout = '123400ms'",
        "SET search_path = pg_catalog",
        "SET ROLE pg_monitor",
        "CREATE TEMPORARY TABLE leftover (id INTEGER)",
        "PREPARE leftover AS SELECT 1",
        "SELECT pg_advisory_lock(4711)",
        "LISTEN leftover",
    ),
    "mysql": (
        "SET SESSION /*M! max_statement_time = 123.4 */ /*!80000 max_execution_time = 123400 */",
        "SET @tenant = 'a'",
        "SET NAMES latin1",
        "CREATE TEMPORARY TABLE leftover (id INTEGER)",
        "PREPARE leftover FROM 'SELECT 1'",
        "SELECT GET_LOCK(CONCAT(DATABASE(), '.leftover'), 5)",  # a lock's name is the whole server's
        "USE information_schema",
    ),
}
"""What a careless session leaves behind, beside the transaction that it ends."""

PRESENT = {
    "postgresql": (
        "SELECT CAST(current_setting('statement_timeout') = '123400ms' AS int)",
        "SELECT CAST(current_setting('search_path') = 'pg_catalog' AS int)",
        "SELECT CAST(current_user = 'pg_monitor' AS int)",
        "SELECT count(*) FROM pg_class WHERE relname = 'leftover' AND relnamespace = pg_my_temp_schema()",
        "SELECT count(*) FROM pg_prepared_statements WHERE name = 'leftover'",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND pid = pg_backend_pid()",
        "SELECT count(*) FROM pg_listening_channels()",
    ),
    "mysql": (
        "SELECT /*M! @@max_statement_time = 123.4 */ /*!80000 @@max_execution_time = 123400 */",
        "SELECT @tenant IS NOT NULL",
        "SELECT @@character_set_client = 'latin1'",
        "SELECT 1 FROM (SELECT COUNT(*) FROM {database}.leftover) AS there",
        "EXECUTE leftover",
        "SELECT IS_USED_LOCK('{database}.leftover') IS NOT NULL",
        "SELECT DATABASE() = 'information_schema'",
    ),
}
"""Questions whose answer is 1 while the poison of the same place is there; any other answer is no."""

STATE = {
    "postgresql": "SELECT current_setting('statement_timeout'), current_setting('search_path'), current_user,"
    " current_setting('default_transaction_read_only'), current_setting('application_name')",
    "mysql": "SELECT @@character_set_client, @@collation_connection, @@autocommit, @@sql_mode, @@time_zone, DATABASE(),"
    " /*M! @@max_statement_time, @@tx_isolation, @@tx_read_only */"
    " /*!80000 @@max_execution_time, @@transaction_isolation, @@transaction_read_only */",
}
"""What stands in `/*M! ... */` is MariaDB's, what stands in `/*!80000 ... */` MySQL's: each passes over the other's."""


@pytest.fixture(params=["postgresql", "mysql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{kind}_url"))


@asynccontextmanager
async def engine_of(url: str, **settings: Any) -> AsyncIterator[AsyncEngine]:
    """An engine whose pool holds one connection: whatever is left on it, the next session sees."""
    one = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5.0}
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, **one, **settings)})
    try:
        yield registry.get("main")
    finally:
        await registry.close()


async def poison(engine: AsyncEngine, kind: str) -> None:
    async with engine.begin() as connection:
        for statement in POISONS[kind]:
            await connection.exec_driver_sql(statement)


async def found(engine: AsyncEngine, kind: str, url: str) -> list[int]:
    """1 for each poison that the next session meets."""
    database = url.rpartition("/")[2]
    async with engine.connect() as connection:
        return [await answer(connection, question.format(database=database)) for question in PRESENT[kind]]


async def answer(connection: AsyncConnection, question: str) -> int:
    try:
        return int(await scalar(connection, question) or 0)
    except DBAPIError:  # there is no such table, no such statement
        return 0


async def scalar(connection: AsyncConnection, statement: str) -> Any:
    return (await connection.exec_driver_sql(statement)).scalar()


async def number(engine: AsyncEngine) -> Any:
    """The server's number of the pool's connection."""
    statement = "SELECT pg_backend_pid()" if engine.dialect.name == "postgresql" else "SELECT CONNECTION_ID()"
    async with engine.connect() as connection:
        return await scalar(connection, statement)


async def test_a_poisoned_connection_comes_back_clean(kind: str, url: str) -> None:
    async with engine_of(url, pool_reset_on_return="discard") as engine:
        before = await number(engine)
        await poison(engine, kind)

        assert await found(engine, kind, url) == [0] * len(POISONS[kind])
        assert await number(engine) == before


async def test_sqlalchemys_reset_ends_the_transaction_and_nothing_else(kind: str, url: str) -> None:
    """The control of the test above, and what the documentation says of the default."""
    async with engine_of(url) as engine:
        await poison(engine, kind)

        assert await found(engine, kind, url) == [1] * len(POISONS[kind])


async def test_what_was_not_committed_is_rolled_back(kind: str, url: str) -> None:
    async with engine_of(url, pool_reset_on_return="discard") as engine:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("DROP TABLE IF EXISTS reset_rows")
            await connection.exec_driver_sql("CREATE TABLE reset_rows (id INTEGER)")
        async with engine.connect() as connection:
            await connection.exec_driver_sql("INSERT INTO reset_rows VALUES (1)")
        async with engine.begin() as connection:
            rows = await scalar(connection, "SELECT count(*) FROM reset_rows")
            await connection.exec_driver_sql("DROP TABLE reset_rows")

    assert rows == 0


async def test_a_lock_is_free_for_others_at_once(kind: str, url: str) -> None:
    take = {
        "postgresql": "SELECT pg_try_advisory_lock(4712)",
        "mysql": "SELECT GET_LOCK(CONCAT(DATABASE(), '.other'), 0)",
    }[kind]
    async with engine_of(url, pool_reset_on_return="discard") as engine, engine_of(url) as other:
        async with engine.connect() as connection:
            assert await scalar(connection, take)
        async with other.connect() as connection:
            assert await scalar(connection, take)


async def test_what_the_profile_says_of_each_session_is_said_again(kind: str, url: str) -> None:
    said = {"statement_timeout": 7.0, "isolation_level": "SERIALIZABLE", "read_only": True, "application_name": "till"}
    async with engine_of(url, pool_reset_on_return="discard", **said) as engine:
        states = []
        for _ in range(3):
            async with engine.connect() as connection:
                states.append((await connection.exec_driver_sql(STATE[kind])).one())

    assert states[0] == states[1] == states[2]


async def test_a_profile_in_autocommit_stays_so(kind: str, url: str) -> None:
    async with engine_of(url, pool_reset_on_return="discard", isolation_level="AUTOCOMMIT") as engine:
        for _ in range(2):
            async with engine.connect() as connection:
                await connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS reset_rows (id INTEGER)")
                await connection.exec_driver_sql("INSERT INTO reset_rows VALUES (1)")
        async with engine.connect() as connection:
            rows = await scalar(connection, "SELECT count(*) FROM reset_rows")
            await connection.exec_driver_sql("DROP TABLE reset_rows")

    assert rows == 2


async def test_what_init_command_says_is_said_again(mysql_url: str) -> None:
    given = {"init_command": "SET time_zone = '+03:00'", "sql_mode": "'ANSI'"}
    async with engine_of(mysql_url, pool_reset_on_return="discard", connect_args=given) as engine:
        states = []
        for _ in range(2):
            async with engine.connect() as connection:
                states.append((await connection.exec_driver_sql("SELECT @@time_zone, @@sql_mode")).one())

    assert states[0] == states[1]
    assert states[0][0] == "+03:00"


async def test_statements_that_were_prepared_before_run_after_a_reset(kind: str, url: str) -> None:
    """The driver keeps prepared statements, which DISCARD ALL drops on the server."""
    async with engine_of(url, pool_reset_on_return="discard") as engine:
        for value in range(3):
            async with engine.connect() as connection:
                same = [
                    (await connection.execute(text("SELECT CAST(:value AS CHAR(5))"), {"value": str(value)})).scalar()
                    for _ in range(3)
                ]
                assert [found.strip() for found in same] == [str(value)] * 3


async def test_a_connection_that_died_before_its_reset_is_replaced(kind: str, url: str) -> None:
    kill = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL CONNECTION {}"}[kind]
    async with engine_of(url, pool_reset_on_return="discard") as engine, engine_of(url) as other:
        async with engine.connect() as connection:
            own = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}[kind]
            before = await scalar(connection, own)
            await connection.commit()
            async with other.connect() as killer:
                await killer.exec_driver_sql(kill.format(before))

        assert await number(engine) != before
