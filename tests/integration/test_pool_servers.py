"""The pool on real servers: waiters are served in turn, warm-up, and many profiles."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import Pool

from myfy_data import DatabaseSettings, DataModule, DataSettings, PoolExhausted
from myfy_data.engines import registry as registry_module
from myfy_data.engines.connect.backend import Backend
from myfy_data.engines.factory import open_engine_handle
from myfy_data.engines.registry import EngineRegistry
from tests.asyncio_servers import PATIENCE
from tests.databases import PERSISTENT, SERVERS, Database

MANY = 1000
BYTES_PER_PROFILE = 4096
"""What the registry and the module may keep for an unused profile, its settings not counted."""


@contextmanager
def opening(monkeypatch: pytest.MonkeyPatch, hold: int = 0) -> Iterator[list[int]]:
    """How many connections were being opened at once, after each beginning.

    Args:
        monkeypatch: pytest's.
        hold: how many must be under way at the same time before any of them goes on.
    """
    original, under_way, seen = Backend.connect, 0, []
    all_waiting = asyncio.Event()

    async def connect(self: Backend, *login: Any) -> object:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        if under_way >= hold:
            all_waiting.set()
        try:
            async with asyncio.timeout(PATIENCE):
                await all_waiting.wait()
            return await original(self, *login)
        finally:
            under_way -= 1

    monkeypatch.setattr(Backend, "connect", connect)
    yield seen


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_sessions_are_served_in_the_order_of_asking(database: Database) -> None:
    served: list[int] = []
    async with database.module(pool_size=2) as data:

        async def work(number: int) -> None:
            async with data.session() as session:
                await session.execute(text("SELECT 1"))
                served.append(number)

        async with data.get_engine().connect() as first, data.get_engine().connect() as second:
            tasks = []
            for number in range(20):
                tasks.append(asyncio.create_task(work(number)))
                while data.pool_status().waiting <= number:
                    await asyncio.sleep(0)
            await first.close()  # one connection serves them all
            await asyncio.gather(*tasks)
            await second.close()

        assert served == list(range(20))
        assert data.pool_status().waiting == 0


@pytest.mark.parametrize("database", PERSISTENT, indirect=True)
async def test_all_who_wait_are_served_when_the_engine_is_disposed(database: Database) -> None:
    """However many they are: more than the pool has places."""

    async def work(data: DataModule) -> int:
        async with data.session(read_only=True) as session:
            return int(await session.scalar(text("SELECT 1")) or 0)

    async with database.module() as data:
        engine = data.get_engine()
        async with engine.connect() as first, engine.connect() as second:
            tasks = [asyncio.create_task(work(data)) for _ in range(6)]
            while data.pool_status().waiting < 6:
                await asyncio.sleep(0)
            await engine.dispose()
            await first.close()
            await second.close()
            async with asyncio.timeout(PATIENCE):
                served = await asyncio.gather(*tasks)

        assert served == [1] * 6
        assert (data.pool_status().checked_out, data.pool_status().waiting) == (0, 0)


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_warm_up_opens_the_whole_pool_at_once_and_keeps_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = EngineRegistry({"main": database.settings(pool_size=4)})
    with opening(monkeypatch, hold=4) as seen:
        await engines.warm_up("main")

    status = engines.status("main")
    assert (max(seen), status.checked_in, status.checked_out) == (4, 4, 0)
    await engines.close()


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_warm_up_does_not_storm_the_server(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "OPENED_AT_ONCE", 2)
    engines = EngineRegistry({"main": database.settings(pool_size=5)})
    with opening(monkeypatch) as seen:
        await engines.warm_up("main")

    assert (max(seen), len(seen), engines.status("main").checked_in) == (2, 5, 5)
    await engines.close()


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_warm_up_that_fails_leaves_nothing_checked_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, opened = Backend.connect, 0

    async def connect(self: Backend, *login: Any) -> object:
        nonlocal opened
        opened += 1
        if opened == 3:
            raise ConnectionResetError
        return await original(self, *login)

    monkeypatch.setattr(Backend, "connect", connect)
    engines = EngineRegistry({"main": database.settings(pool_size=4)})

    with pytest.raises(ConnectionResetError):
        await engines.warm_up("main")

    status = engines.status("main")
    assert (status.checked_in, status.checked_out, status.waiting) == (3, 0, 0)
    await engines.close()


@pytest.mark.parametrize("database", PERSISTENT, indirect=True)
async def test_of_a_thousand_profiles_only_the_used_one_has_an_engine(database: Database) -> None:
    settings = database.settings()
    pools: list[Pool] = []
    listener = lambda _, entry: pools.append(entry)  # noqa: E731 - to be removed, it needs a name
    event.listen(Pool, "connect", listener)
    try:
        profiles = {f"p{number}": settings.model_copy(update={"required": False}) for number in range(MANY)}
        async with DataModule("p7", settings=DataSettings(profiles=profiles)) as data:
            before = len(pools)
            async with data.session() as session:
                await session.execute(text("SELECT 1"))

            assert (before, len(pools)) == (0, 1)
            assert [name for name in profiles if data.engine_gate.registry.engines_of(name)] == ["p7"]
            assert data.pool_status("p8").checked_in == 0
    finally:
        event.remove(Pool, "connect", listener)


def test_a_profile_that_is_not_used_costs_little_memory() -> None:
    settings = DatabaseSettings(database_url="postgresql://app@db.internal/main")
    profiles = {f"p{number}": settings for number in range(MANY)}
    data_settings = DataSettings(profiles=profiles)
    gc.collect()
    tracemalloc.start()
    try:
        data = DataModule("p7", settings=data_settings)
        assert len(data.profiles) == MANY
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < MANY * BYTES_PER_PROFILE


def test_an_engine_is_opened_once_however_many_threads_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    together = threading.Barrier(8)
    profiles = {"main": DatabaseSettings(database_url="sqlite://")}
    engines = EngineRegistry(profiles, on_engine=lambda profile, _: opened.append(profile))

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.01)  # long enough for the other threads to come by
        return open_engine_handle(*arguments)

    monkeypatch.setattr(registry_module, "open_engine_handle", slowly)

    def ask(_: int) -> int:
        together.wait(PATIENCE)
        return id(engines.get("main"))

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(ask, range(8)))

    assert (len(found), opened) == (1, ["main"])


async def forget_to_close(data: DataModule) -> AsyncSession:
    session = data.get_session_factory().create_session()
    await session.execute(text("SELECT 1"))
    return session


@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_a_connection_that_is_held_for_too_long_is_reported_with_its_place(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.module(pool_size=1, pool_timeout=0.2, pool_leak_detection_threshold=0.05) as data:
        session = await forget_to_close(data)
        with pytest.raises(PoolExhausted, match="checked_out=1") as caught:
            async with data.session() as other:
                await other.execute(text("SELECT 2"))
        await session.close()

    reports = [message for message in caplog.messages if "is in use for more than" in message]
    assert any("in forget_to_close" in report for report in reports)  # start-up holds one as long on a busy machine
    assert "in forget_to_close" in str(caught.value)
