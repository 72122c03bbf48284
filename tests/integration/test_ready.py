"""`ready()` on real servers: a busy pool is ready, a frozen server is told in time, and the storm is ours (C12.1)."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from myfy_data import DataModule
from myfy_data.health import readiness
from myfy_data.health.readiness import ReadyReport
from tests.asyncio_servers import PATIENCE
from tests.databases import ALL, KILL, SERVERS, Database
from tests.integration.test_health_beside_the_pool import come_down_to, others

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers is no slow one, however busy this machine is."""
    monkeypatch.setattr(readiness, "DEADLINE", PATIENCE)


class Clock:
    """Moves on by a second for each look, without waiting for it."""

    def __init__(self, data: DataModule) -> None:
        self._data = data
        self._now = time.monotonic()
        data.engine_gate.readiness.clock = lambda: self._now

    async def look(self) -> ReadyReport:
        """The answer to a balancer that looks each second."""
        self._now += readiness.INTERVAL
        async with asyncio.timeout(PATIENCE):
            return await self._data.ready()


@on_all
async def test_a_pool_in_which_a_task_waits_is_ready_and_degraded(database: Database) -> None:
    size = 1 if database.kind == "memory" else 2
    async with database.module(pool_size=size, pool_timeout=60.0) as data, AsyncExitStack() as stack:
        for _ in range(size):
            session = await stack.enter_async_context(data.session(read_only=True))
            await session.execute(text("SELECT 1"))
        waiting = asyncio.create_task(_select(data))
        while not data.pool_status().waiting:
            await asyncio.sleep(0)
        ready, health = await data.ready(), await data.health()
        await stack.aclose()
        await waiting

    assert (ready.ok, ready.profiles["main"].status, ready.profiles["main"].error) == (True, "degraded", None)
    assert (health.ok, health.profiles["main"].status, health.status) == (True, "degraded", "degraded")


async def _select(data: DataModule) -> None:
    async with data.session(read_only=True) as session:
        await session.execute(text("SELECT 1"))


@on_all
async def test_it_is_ready_from_start_to_stop(database: Database) -> None:
    data = database.module()
    before = await data.ready()
    async with data:
        running = await data.ready()
    after = await data.ready()

    assert [(each.ok, each.status) for each in (before, running, after)] == [
        (False, "stopped"),
        (True, "ok"),
        (False, "stopped"),
    ]


@on_servers
async def test_a_server_that_freezes_is_told_within_the_deadline_and_after_three_probes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.relayed() as relay, database.module(connect_timeout=PATIENCE) as data:
        clock = Clock(data)
        first = await clock.look()
        with monkeypatch.context() as shorter:
            shorter.setattr(readiness, "DEADLINE", 0.1)  # a probe takes all of it, and there are several
            relay.lose_answers()
            frozen = [await clock.look() for _ in range(3)]
        relay.heal()
        healed = await clock.look()

    assert (first.ok, [each.ok for each in frozen], healed.ok) == (True, [True, True, False], True)
    assert frozen[-1].profiles["main"].error == "DatabaseTimeoutError"


@on_servers
async def test_a_frozen_server_keeps_nobody_longer_than_the_deadline(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.relayed() as relay, database.module(connect_timeout=PATIENCE * 2) as data:
        clock = Clock(data)
        await clock.look()
        monkeypatch.setattr(readiness, "DEADLINE", 0.1)
        relay.lose_answers()
        report = await clock.look()  # within PATIENCE, half of what the profile would take

    assert report.profiles["main"].failures == 1


@on_servers
async def test_probes_share_one_connection_that_is_closed_with_the_module(database: Database) -> None:
    async with database.module() as data:
        clock = Clock(data)
        await come_down_to(1, database)
        for _ in range(5):
            await asyncio.gather(*(clock.look() for _ in range(40)))
        during = await others(database)
    await come_down_to(0, database)

    assert during == 2, "that of start(), which is in the pool, and the probes' own"


@on_servers
async def test_two_hundred_probes_a_second_are_one_of_the_server(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.module() as data:
        clock = Clock(data)
        await clock.look()
        kept = data.engine_gate.registry.engines_of("main")[0]
        asked: list[str] = []
        ask = kept.backend.ask

        async def noting(driver: object, question: str) -> object:
            asked.append(question)
            return await ask(driver, question)

        monkeypatch.setattr(kept.backend, "ask", noting)
        reports = [
            report
            for _ in range(5)
            for report in await asyncio.gather(clock.look(), *(data.ready() for _ in range(199)))
        ]

    assert len(reports) == 1000
    assert all(report.ok for report in reports)
    assert asked.count(asked[0]) == 5, "a probe of MariaDB is two questions"


@on_servers
async def test_a_probe_whose_connection_was_ended_meanwhile_does_not_fail(database: Database) -> None:
    async with database.module() as data:
        clock = Clock(data)
        before = await clock.look()
        own = data.engine_gate.registry.engines_of("main")[0]
        [row] = await own.backend.ask(own.kept.driver, _ID[database.kind])
        await database.run(KILL[database.kind].format(row[0]))
        after = await clock.look()

    assert (before.profiles["main"].failures, after.profiles["main"].failures) == (0, 0)


_ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}


@on_servers
async def test_a_look_that_nobody_waits_for_any_more_leaves_no_connection(database: Database) -> None:
    async with database.module() as data:
        clock = Clock(data)
        for turns in range(20):
            task = asyncio.create_task(clock.look())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        ready = await clock.look()
        await come_down_to(2, database)
    await come_down_to(0, database)

    assert ready.ok


async def test_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    async with Database("sqlite", f"sqlite+aiosqlite:///{path}").module() as data:
        clock = Clock(data)
        before = await clock.look()
        path.rename(tmp_path / "elsewhere.db")
        after = [await clock.look() for _ in range(3)]

    assert (before.ok, [each.ok for each in after]) == (True, [True, True, False])


async def test_a_database_in_memory_is_never_asked() -> None:
    async with Database("memory", "sqlite+aiosqlite:///:memory:").module() as data:
        report = await data.ready()

    assert report.profiles["main"].status == "ok"
