"""EXPLAIN by hand: the plan that the server would use, on a connection that cannot write (contract C12.3)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, String, Table, event, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import ConfigError, DatabaseConnectionError, DatabaseSettings, DataModule, DataModuleError, DataSettings
from myfy_data.telemetry import query_plan
from tests.databases import PERSISTENT, SERVERS, url_of

METADATA = MetaData()
PEOPLE = Table(
    "explained", METADATA, Column("id", Integer, primary_key=True), Column("name", String(40)), Column("age", Integer)
)
INDEX = {"postgresql": "explained_pkey", "mysql": "PRIMARY", "sqlite": "PRIMARY KEY"}
CANARY = "canary7531"


@pytest_asyncio.fixture
async def data(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DataModule]:
    url = url_of(request.param, request, tmp_path)
    settings = DatabaseSettings(database_url=url, slow={"statement": 0.000001})
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as module:
        async with module.get_engine().begin() as connection:
            await connection.run_sync(METADATA.create_all)
            rows = [{"id": number, "name": f"n{number}", "age": number % 90} for number in range(1, 2000)]
            await connection.execute(insert(PEOPLE), rows)
        if not url.startswith("sqlite"):
            async with module.get_engine().connect() as connection:
                analyze = "ANALYZE explained" if url.startswith("postgresql") else "ANALYZE TABLE explained"
                await connection.exec_driver_sql(analyze)
                await connection.commit()
        yield module
        async with module.get_engine().begin() as connection:
            await connection.run_sync(METADATA.drop_all)


everywhere = pytest.mark.parametrize("data", PERSISTENT, indirect=True)
on_servers = pytest.mark.parametrize("data", SERVERS, indirect=True)


def kind(data: DataModule) -> str:
    return data.settings.profile().url.backend


@everywhere
async def test_a_statement_is_planned_for_its_values(data: DataModule) -> None:
    plan = "\n".join(await data.explain(select(PEOPLE).where(PEOPLE.c.id == 7, PEOPLE.c.age.in_([6, 7]))))

    assert INDEX[kind(data)] in plan


@pytest.mark.parametrize("data", ["sqlite", SERVERS[0]], indirect=True)
async def test_a_text_is_planned_for_whatever_its_parameters_are(data: DataModule) -> None:
    parameter = "$1" if kind(data) == "postgresql" else "?"

    plan = "\n".join(await data.explain(f"SELECT * FROM explained WHERE id = {parameter}"))

    assert INDEX[kind(data)] in plan
    assert "One-Time Filter" not in plan


@pytest.mark.parametrize("data", ["sqlite", SERVERS[0]], indirect=True)
async def test_a_slow_query_is_planned_by_its_fingerprint(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(select(PEOPLE.c.name).where(PEOPLE.c.id == 7, text(f"name <> '{CANARY}'")))
    [slow] = [each for each in data.slow_queries() if each.statement.startswith("SELECT explained.name")]

    plan = "\n".join(await data.explain(slow.fingerprint))

    assert INDEX[kind(data)] in plan
    assert CANARY not in plan


@pytest.mark.parametrize("data", SERVERS[1:], indirect=True)
async def test_mysql_plans_no_text_without_its_values(data: DataModule) -> None:
    with pytest.raises(ConfigError, match="plans a statement for its values"):
        await data.explain("SELECT * FROM explained WHERE id = %s")


@everywhere
async def test_nothing_is_written_and_the_pool_is_left_alone(data: DataModule) -> None:
    seen: list[Any] = []
    engine: AsyncEngine = data.get_engine()
    event.listen(engine.sync_engine, "checkout", lambda *arguments: seen.append(arguments))

    if kind(data) == "mysql":  # whose EXPLAIN wants the right to do it
        with pytest.raises(DataModuleError, match="does not plan"):
            await data.explain(update(PEOPLE).values(age=0))
    else:
        await data.explain(update(PEOPLE).values(age=0))
    await data.explain(select(PEOPLE))

    assert seen == []
    async with data.session(read_only=True) as session:
        assert await session.scalar(select(PEOPLE.c.age).where(PEOPLE.c.id == 7)) == 7


ATTACKS = [
    "SELECT 1; DELETE FROM explained",
    "ANALYZE DELETE FROM explained",
    "ANALYZE FORMAT=JSON DELETE FROM explained",
    "SELECT 1; COMMIT; DELETE FROM explained; COMMIT",
    "ROLLBACK",
]


@everywhere
async def test_what_would_run_is_refused(data: DataModule) -> None:
    for attack in ATTACKS:
        with pytest.raises(ConfigError, match="is not one statement that has a plan"):
            await data.explain(attack)

    async with data.session(read_only=True) as session:
        assert await session.scalar(text("SELECT count(*) FROM explained")) == 1999


@on_servers
async def test_the_server_would_refuse_what_slipped_through(data: DataModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_plan, "PLANNED", re.compile(""))
    for attack in ("ANALYZE DELETE FROM explained", "ANALYZE FORMAT=JSON DELETE FROM explained"):
        with pytest.raises(DataModuleError, match="does not plan"):
            await data.explain(attack)

    async with data.session(read_only=True) as session:
        assert await session.scalar(text("SELECT count(*) FROM explained")) == 1999


@everywhere
async def test_what_the_server_refuses_is_told_without_its_text(data: DataModule) -> None:
    with pytest.raises(DataModuleError, match="profile 'main': the server does not plan this statement") as caught:
        await data.explain(f"SELECT '{CANARY}' FROM nothing_like_it")

    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", ["sqlite"], indirect=True)
async def test_a_fingerprint_that_nobody_knows_is_refused(data: DataModule) -> None:
    with pytest.raises(ConfigError, match=r"fingerprint '00ff00ff'"):
        await data.explain("00ff00ff")


async def test_a_server_that_does_not_answer_is_told() -> None:
    settings = DatabaseSettings(database_url="postgresql+asyncpg://app@127.0.0.1:1/shop")
    with pytest.raises(DatabaseConnectionError):
        await DataModule(settings=DataSettings(profiles={"main": settings})).explain("SELECT 1")


async def test_a_database_in_memory_is_refused() -> None:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")})
    with pytest.raises(ConfigError, match="in memory"):
        await DataModule(settings=settings).explain("SELECT 1")
