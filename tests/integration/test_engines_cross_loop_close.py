"""`stop()` in one event loop closes what was opened in another, whatever that one is doing (contract C4)."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.factory import OpenEngine
from tests.asyncio_servers import PATIENCE
from tests.databases import CONNECTION_ID, SERVERS, Database

on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)
on_persistent = pytest.mark.parametrize("database", ["sqlite", *SERVERS], indirect=True)

SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = {}",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE id = {}",
}
TOLD = "profile 'main': the event loop that opened its engine is blocked"
FIX = "fix: await data.stop() in that loop, or run the application in it"


def in_another_loop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run work in a new loop of another thread; ours is blocked meanwhile."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work()).result()


def module(database: Database, **settings: Any) -> DataModule:
    """Two profiles of one database."""
    profiles = {name: database.settings(close_timeout=0.3, **settings) for name in ("main", "other")}
    return DataModule(settings=DataSettings(default="main", profiles=profiles))


async def select_one(data: DataModule, profile: str = "main") -> Any:
    async with data.session(profile) as session:
        return await session.scalar(text("SELECT 1"))


async def opened(data: DataModule, database: Database) -> int:
    """Open a connection and leave it in the pool; the server's number of it."""
    async with data.session() as session:
        number = await session.scalar(text(CONNECTION_ID[database.kind]))
    return int(number)


def engine_of(data: DataModule) -> OpenEngine:
    """The engine of `main`, and what it holds."""
    return data.engine_gate.registry.engines_of("main")[0]


async def until_closed(kept: OpenEngine) -> None:
    """Wait until our loop, which goes on, has closed its engine."""
    async with asyncio.timeout(PATIENCE):
        while not kept.backend.pending_connects.is_cancelled or len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)


async def wait_until_gone(database: Database, number: int) -> None:
    """Wait until the server has ended a connection; the time-out of the test is the bound."""
    async with asyncio.timeout(PATIENCE):
        while (await database.run(SESSIONS[database.kind].format(number)))[0][0]:
            await asyncio.sleep(0.01)


@on_servers
async def test_a_blocked_loop_does_not_keep_its_connections(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    data = module(database)
    number = await opened(data, database)
    kept = engine_of(data)

    async def stop() -> None:
        await select_one(data, "other")
        await data.stop()
        await wait_until_gone(database, number)

    in_another_loop(stop)

    assert caplog.text.count(TOLD) == 1
    assert FIX in caplog.text
    await until_closed(kept)


@on_persistent
async def test_a_loop_that_was_blocked_closes_its_engine_when_it_goes_on(database: Database) -> None:
    data = module(database)
    await select_one(data)
    kept = engine_of(data)
    connections = list(kept.backend.connections)

    in_another_loop(data.stop)
    await until_closed(kept)

    connections.clear()
    gc.collect()


@on_persistent
async def test_every_other_engine_is_closed_although_one_loop_is_blocked(database: Database) -> None:
    data = module(database)
    await select_one(data)
    kept = engine_of(data)

    async def stop() -> int:
        await select_one(data, "other")
        engine = data.get_engine("other")
        await data.stop()
        return int(engine.pool.checkedin())  # type: ignore[attr-defined]  # a queue pool

    assert in_another_loop(stop) == 0
    await until_closed(kept)


@on_servers
def test_a_loop_that_does_not_run_keeps_no_connection(database: Database) -> None:
    data = module(database)
    with asyncio.Runner() as resting:
        number = resting.run(opened(data, database))

        async def stop() -> None:
            await data.stop()
            await wait_until_gone(database, number)

        in_another_loop(stop)
        resting.run(asyncio.sleep(0))


@on_persistent
def test_a_loop_that_was_closed_is_let_go_of(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    data = module(database)
    in_another_loop(lambda: select_one(data))

    in_another_loop(data.stop)

    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_error_of_closing_in_another_loop_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataModule(settings=DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")}))
    await select_one(data)
    kept = engine_of(data)
    end = kept.backend.pending_connects.cancel_all

    def fail() -> None:
        end()
        raise RuntimeError("mine")

    monkeypatch.setattr(kept.backend.pending_connects, "cancel_all", fail)

    with pytest.raises(RuntimeError, match="mine"):
        await asyncio.to_thread(asyncio.run, data.stop())
    monkeypatch.undo()
    await kept.close()
