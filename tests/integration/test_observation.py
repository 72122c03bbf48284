"""Everything that an engine does is told once, on every database (ADR 36)."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DataModule, DataSettings, PoolExhausted
from myfy_data.engines.observation import EngineObserver, Operation
from tests.databases import CONNECTION_ID, KILL, PERSISTENT, SERVERS, Database
from tests.observing import Notes
from tests.sqlite_files import waiting_writers

persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
servers = pytest.mark.parametrize("database", SERVERS, indirect=True)


def heard(data: DataModule) -> Notes:
    notes = Notes()
    data.telemetry.listen(notes)
    return notes


@persistent
async def test_a_unit_of_work_is_told_from_statement_to_commit(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        async with data.session() as session:
            await session.execute(insert(database.notes).values(text="a"))
            await session.execute(select(database.notes))

    kinds = [operation.kind for operation in notes.operations]
    assert kinds == ["statement", "statement", "commit"]
    assert [operation.rows for operation in notes.operations] == [1, 1, None]
    assert notes.units == [(2, "commit")]
    assert all(operation.ran >= 0 and operation.error is None for operation in notes.operations)


@persistent
async def test_a_roll_back_is_told(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        with pytest.raises(ZeroDivisionError):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))
                _ = 1 / 0

    assert notes.told[-1] == "ROLLBACK"
    assert notes.units == [(1, "rollback")]


@servers
async def test_a_commit_that_sends_nothing_ends_a_unit_and_is_no_operation(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        async with data.get_engine().connect() as connection:
            await connection.commit()
        async with data.session() as session:
            await session.execute(select(database.notes))

    sent = [operation.kind for operation in notes.operations]
    assert sent == (["statement"] if database.kind == "postgresql" else ["statement", "commit"])
    assert notes.units == [(1, "commit")]


@persistent
async def test_a_statement_for_many_rows_is_one(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        async with data.session() as session:
            await session.execute(insert(database.notes), [{"text": "a"}, {"text": "b"}, {"text": "c"}])

    [written] = notes.of("INSERT")
    assert written.batch == 3


@persistent
async def test_a_stream_is_one_statement(database: Database) -> None:
    async with database.module() as data:
        async with data.session() as session:
            await session.execute(insert(database.notes), [{"text": str(n)} for n in range(300)])
        notes = heard(data)
        async with data.session() as session:
            stream = await session.stream(select(database.notes))
            assert len([row async for row in stream]) == 300

    [read] = notes.of("SELECT")
    assert read.rows in (None, 300)


@persistent
async def test_a_statement_that_fails_is_told_with_its_error(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(text("SELECT nothing FROM nowhere"))

    [failed] = notes.of("nowhere")
    assert failed.error is not None
    assert notes.units == [(1, "rollback")]


async def by_the_driver(session: AsyncSession, sql: str) -> Any:
    pooled: Any = await (await session.connection()).get_raw_connection()
    driver = pooled.driver_connection
    for name in ("fetch", "execute_fetchall"):
        if hasattr(driver, name):
            return await getattr(driver, name)(sql)
    cursor = await driver.cursor()
    await cursor.execute(sql)
    return await cursor.fetchall()


@persistent
async def test_a_statement_by_the_drivers_own_methods_is_told(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        async with data.session() as session:
            await by_the_driver(session, "SELECT 42")
            await session.execute(select(1))
            await by_the_driver(session, "SELECT 43")

    statements = [operation.sql for operation in notes.operations if operation.kind == "statement"]
    assert statements == ["SELECT 42", "SELECT 1", "SELECT 43"]


@persistent
async def test_the_librarys_own_statements_are_not_told(database: Database) -> None:
    data = database.module()
    notes = heard(data)

    async with data:
        await data.health()

    assert notes.operations == []


@servers
async def test_waiting_and_connecting_and_running_are_three_numbers(database: Database) -> None:
    pause = {"postgresql": "SELECT pg_sleep(0.05)", "mysql": "SELECT SLEEP(0.05)"}[database.kind]
    async with database.module(pool_size=1) as data:
        notes = heard(data)

        async def work() -> None:
            async with data.session() as session:
                await session.execute(text(pause))

        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.TaskGroup() as tasks, data.session() as session:
            await session.execute(select(1))
            for _ in range(5):
                tasks.create_task(work())
            while data.pool_status().waiting < 5:  # a late one would not wait for all that run before it
                await asyncio.sleep(0.001)
        elapsed = loop.time() - started

    first, *waits = [waited for waited, _ in notes.checkouts]  # in the order of the checkouts
    runs = [operation.ran for operation in notes.of("SLEEP") + notes.of("sleep")]
    assert first == 0.0
    assert all(waited >= sum(runs[:number]) for number, waited in enumerate(waits))  # each waited while others ran
    assert waits[-1] < elapsed
    assert all(ran > 0.04 for ran in runs)
    assert sum(runs) <= elapsed
    assert sum(operation.waited for operation in notes.operations) == pytest.approx(sum(waits))


@servers
async def test_a_new_connection_is_told_apart_from_waiting(database: Database) -> None:
    data = database.module()
    notes = heard(data)

    async with data, data.session() as session:
        await session.execute(select(1))

    assert len(notes.connects) == 1
    assert [waited for waited, _ in notes.checkouts] == [0.0] * len(notes.checkouts)
    assert sum(connecting for _, connecting in notes.checkouts) == pytest.approx(notes.connects[0])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_turn_to_write_is_waiting(database: Database) -> None:
    took: list[float] = []
    async with database.module() as data:
        notes = heard(data)

        async def write() -> None:
            async with data.session() as session:
                started = time.monotonic()
                await session.execute(insert(database.notes).values(text="b"))
                took.append(time.monotonic() - started)

        async with asyncio.TaskGroup() as tasks, data.session() as session:
            await session.execute(insert(database.notes).values(text="a"))
            tasks.create_task(write())
            await waiting_writers(Path(database.url.partition(":///")[2]), 1)
            started = time.monotonic()
            await asyncio.sleep(0.1)
            kept = time.monotonic() - started

    [waited] = notes.turns
    _, late = notes.of("INSERT")
    assert waited >= kept
    assert late.waited >= waited
    assert late.waited + late.ran <= took[0]  # what was waited is no part of what ran


@persistent
async def test_a_wait_that_is_given_up_is_told(database: Database) -> None:
    async with database.module(pool_size=1, pool_timeout=0.05) as data:
        notes = heard(data)
        async with data.session(read_only=True) as session:
            await session.execute(select(1))
            with pytest.raises(PoolExhausted):
                async with data.session(read_only=True) as other:
                    await other.execute(select(1))

    assert len(notes.timeouts) == 1


@servers
async def test_an_unknown_outcome_is_told(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)
        with pytest.raises(CommitOutcomeUnknown):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))
                [[connection]] = (await session.execute(text(CONNECTION_ID[database.kind]))).all()
                await database.run(KILL[database.kind].format(connection))

    assert notes.units == [(2, None), (0, "unknown")]


@persistent
async def test_what_listens_and_fails_disturbs_nothing(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(EngineObserver):
        def operation(self, seen: Operation) -> None:
            raise RuntimeError(seen.sql)

    async with database.module() as data:
        data.telemetry.listen(Broken())
        async with data.session() as session:
            await session.execute(insert(database.notes).values(text="a"))
            assert await database.texts(session) == ["a"]

    told = [record.getMessage() for record in caplog.records if "Broken" in record.getMessage()]
    assert len(told) == 1, "once, however often it fails"
    assert "Broken.operation failed with RuntimeError" in told[0]


@persistent
async def test_nothing_is_attached_where_nothing_listens(database: Database) -> None:
    data = DataModule(settings=DataSettings(profiles={"main": database.settings()}, environment="production"))

    engine = data.get_engine()

    dialect = engine.sync_engine.dialect
    assert "Statements" not in repr(getattr(dialect, "do_execute"))  # noqa: B009 - as it stands on the instance
    assert getattr(engine.pool, "recorder", None) is None
    await data.stop()


@persistent
async def test_each_loop_tells(database: Database) -> None:
    async with database.module() as data:
        notes = heard(data)

        async def read() -> None:
            async with data.session() as session:
                await session.execute(select(database.notes))

        def in_a_loop_of_its_own() -> None:
            asyncio.run(read())

        thread = threading.Thread(target=in_a_loop_of_its_own)
        thread.start()
        await asyncio.to_thread(thread.join)
        await read()

    assert len(notes.of("SELECT")) == 2
