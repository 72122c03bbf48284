"""What is slow is written with waiting and running as two numbers, the user's line, and no literal (contract C12.3)."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, text

from myfy_data import DataModule, DataSettings
from tests.databases import PERSISTENT, SERVERS, Database

pytestmark = pytest.mark.usefixtures("slow_log")

CANARY = "canary7531"
FIELDS = ("profile", "kind", "waited_s", "ran_s", "rows", "fingerprint", "statement", "place", "count")
PLACE = re.compile(r"tests/integration/test_slow_log\.py:\d+ in \w+$")

persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
servers = pytest.mark.parametrize("database", SERVERS, indirect=True)
sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Slow = Callable[..., DataModule]
LEAST = 1e-9
"""Seconds that everything takes."""


def module(database: Database, environment: str = "production", **slow: float) -> DataModule:
    settings = database.settings(slow=slow)
    return DataModule(settings=DataSettings(profiles={"main": settings}, environment=environment))


def records(caplog: pytest.LogCaptureFixture, name: str = "myfy_data.slow") -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == name]


@persistent
async def test_a_slow_statement_is_one_line_with_its_fields(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with module(database, statement=LEAST) as data, data.session(read_only=True) as session:
        await session.execute(
            text(f"SELECT text FROM {database.notes.name} WHERE text = '{CANARY}' OR text = :t"), {"t": CANARY}
        )

    record = records(caplog)[0]
    told = vars(record)
    assert {field: told[field] for field in ("profile", "kind", "count")} == {
        "profile": "main",
        "kind": "statement",
        "count": 1,
    }
    assert all(field in told for field in FIELDS)
    assert told["rows"] in (0, None)
    assert PLACE.search(told["place"])
    assert re.search(r"main  query \d+ ms  waited \d+ ms", record.getMessage())
    assert f"SELECT {database.notes.name} ({told['fingerprint']})" in record.getMessage()
    assert told["place"] in record.getMessage()
    assert CANARY not in f"{record.getMessage()} {told} {data.slow_queries()}"


@persistent
async def test_a_slow_commit_names_the_line_that_waits_for_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with module(database, statement=LEAST) as data, data.session() as session:
        await session.execute(insert(database.notes).values(text="a"))
        caplog.clear()

    [record] = [record for record in records(caplog) if vars(record)["kind"] == "commit"]
    assert PLACE.search(vars(record)["place"])


@servers
async def test_a_wait_for_a_connection_is_a_line_of_its_own(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    profiles = {"main": database.settings(pool_size=1, slow={"wait": 0.01})}
    async with DataModule(settings=DataSettings(profiles=profiles, environment="production")) as data:

        async def wait() -> None:
            async with data.session() as session:
                await session.execute(select(1))

        async with asyncio.TaskGroup() as tasks, data.session() as session:
            await session.execute(select(1))
            tasks.create_task(wait())
            while not data.pool_status().waiting:
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)

    [record] = records(caplog)
    told = vars(record)
    assert (told["kind"], told["ran_s"]) == ("wait", 0.0)
    assert told["waited_s"] >= 0.01
    assert re.search(r"main  waited \d+ ms for a connection  ran 0 ms  pool 1 in use of 1", record.getMessage())
    assert PLACE.search(told["place"])


@persistent
async def test_a_long_transaction_tells_its_longest_pause(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with module(database, transaction=0.05) as data, data.session() as session:
        await session.execute(insert(database.notes).values(text="a"))
        started = time.monotonic()
        await asyncio.sleep(0.1)
        paused = time.monotonic() - started
        await session.execute(insert(database.notes).values(text="b"))

    [record] = records(caplog)
    assert vars(record)["kind"] == "transaction"
    told = re.search(r"transaction (\d+) ms  waited \d+ ms  idle (\d+) ms of it between two", record.getMessage())
    assert told is not None
    assert 1000 * paused - 1 <= int(told[2]) <= int(told[1])
    assert PLACE.search(vars(record)["place"])


@persistent
async def test_a_query_in_a_loop_is_told_once_for_its_place(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with module(database, environment="test") as data:

        async def loop(times: int) -> None:
            async with data.session(read_only=True) as session:
                for number in range(times):
                    await session.execute(select(database.notes).where(database.notes.c.id == number))

        await loop(4)
        assert records(caplog, "myfy_data.queries") == []
        await loop(50)
        await loop(50)

    [record] = records(caplog, "myfy_data.queries")
    told = vars(record)
    assert (told["kind"], told["count"]) == ("repeated", 50)
    assert PLACE.search(told["place"])
    assert f"SELECT {database.notes.name}" in record.getMessage()
    assert "\n  fix: " in record.getMessage()


@persistent
async def test_writes_in_a_loop_and_lists_in_one_are_no_repeated_query(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with module(database, environment="test") as data, data.session() as session:
        for number in range(10):
            await session.execute(insert(database.notes).values(text=str(number)))

    assert records(caplog, "myfy_data.queries") == []


@sqlite
async def test_in_production_nothing_is_told_by_default(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with module(database) as data, data.session(read_only=True) as session:
        for _ in range(20):
            await session.execute(select(database.notes))

    assert records(caplog) + records(caplog, "myfy_data.queries") == []
    assert data.slow_queries() == ()


@sqlite
async def test_lines_of_a_minute_are_bounded(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with module(database, statement=LEAST, max_per_minute=3) as data, data.session(read_only=True) as session:
        for _ in range(10):
            await session.execute(select(database.notes))

    assert len([record for record in records(caplog) if vars(record)["kind"] == "statement"]) == 3
    [query] = [query for query in data.slow_queries() if query.kind == "statement"]
    assert query.count == 10


@sqlite
async def test_the_worst_are_there_after_the_stop(database: Database) -> None:
    async with module(database, statement=LEAST) as data, data.session(read_only=True) as session:
        for number in range(150):
            await session.execute(text(f"SELECT {number} AS a{number}"))

    worst = data.slow_queries()
    assert len(worst) == 100
    assert list(worst) == sorted(worst, key=lambda query: query.total_s, reverse=True)


@persistent
async def test_in_development_bounds_are_there_by_default(database: Database) -> None:
    async with module(database, environment="development") as data, data.session(read_only=True) as session:
        for _ in range(5):
            await session.execute(select(database.notes))

    assert [query.kind for query in data.slow_queries() if query.kind == "repeated"] == ["repeated"]
