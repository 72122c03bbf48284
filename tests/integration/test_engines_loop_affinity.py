"""An engine belongs to one event loop of one process, and opens nothing before it is used (contract C4)."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import aiomysql
import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.cluster.errors import ClusterError
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, MissingDriverError, UnknownProfileError, WrongEventLoopError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE
from tests.sandbox import RUN_TIMEOUT, child_environment

T = TypeVar("T")

SERVERS = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url", "sqlite_url"], indirect=True)


@pytest.fixture
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/app.db"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def registry(url: str) -> EngineRegistry:
    return EngineRegistry({"main": DatabaseSettings(database_url=url)})


def in_own_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Run work in a new event loop, which is closed afterwards, in a thread of its own."""

    async def main() -> T:
        return await work()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, main()).result()


async def select_one(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


def is_closed(driver: Any) -> bool:
    if isinstance(driver, aiosqlite.Connection):
        return driver._connection is None
    return bool(driver.closed if isinstance(driver, aiomysql.Connection) else driver.is_closed())


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true; SQLite's threads end a moment after they are told to."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def settle() -> None:
    """Let finalizers speak: pytest turns their warnings into failures."""
    for _ in range(3):
        gc.collect()


@SERVERS
async def test_a_loop_keeps_its_engine(registry: EngineRegistry) -> None:
    engine = registry.get("main")
    await select_one(engine)

    assert registry.get("main") is engine
    await registry.close()


@SERVERS
def test_each_loop_gets_an_engine_of_its_own(registry: EngineRegistry) -> None:
    async def use() -> tuple[AsyncEngine, int]:
        engine = registry.get("main")
        return engine, await select_one(engine)

    first, second = in_own_loop(use), in_own_loop(use)

    in_own_loop(registry.close)
    assert first[0] is not second[0]
    assert (first[1], second[1]) == (1, 1)


@SERVERS
def test_an_engine_whose_loop_was_closed_is_dropped_without_a_sound(registry: EngineRegistry) -> None:
    in_own_loop(lambda: registry.warm_up("main"))
    before = list(registry.engines_of("main")[0].backend.connections)
    settle()

    in_own_loop(lambda: registry.ping("main"))

    assert len(before) == 5
    assert wait_until(lambda: all(map(is_closed, before)))
    in_own_loop(registry.close)
    before.clear()
    settle()


@SERVERS
def test_an_engine_taken_before_any_loop_belongs_to_the_first_that_uses_it(registry: EngineRegistry) -> None:
    engine = registry.get("main")

    async def use() -> tuple[AsyncEngine, int]:
        return registry.get("main"), await select_one(engine)

    assert in_own_loop(use) == (engine, 1)
    in_own_loop(registry.close)


@SERVERS
def test_an_engine_carried_to_another_loop_says_so(registry: EngineRegistry) -> None:
    engine = registry.get("main")
    in_own_loop(lambda: select_one(engine))

    with pytest.raises(WrongEventLoopError, match="profile 'main': the engine belongs to another event loop"):
        in_own_loop(lambda: select_one(engine))

    in_own_loop(registry.close)


@SERVERS
def test_closing_reaches_the_engines_of_other_threads(registry: EngineRegistry) -> None:
    ready, done = threading.Event(), threading.Event()

    async def use() -> AsyncEngine:
        engine = registry.get("main")
        await select_one(engine)
        ready.set()
        await asyncio.to_thread(done.wait, PATIENCE)
        return engine

    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(in_own_loop, use)
        ready.wait(PATIENCE)
        in_own_loop(registry.close)
        done.set()
        engine = future.result()

    assert registry.status("main").checked_in == 0
    assert engine.pool.checkedin() == 0  # type: ignore[attr-defined]  # a queue pool


FORK = """
import asyncio, os, sys
from sqlalchemy import text
from myfy_data.engines.cluster.errors import ClusterError
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import WrongEventLoopError
from myfy_data.settings.database_settings import DatabaseSettings

registry = EngineRegistry({"main": DatabaseSettings(database_url=sys.argv[1])})

async def select_one(engine):
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT 1"))).scalar_one()

async def in_child(inherited):
    assert registry.status("main").checked_in == 0
    engine = registry.get("main")
    assert engine is not inherited
    assert await select_one(engine) == 1
    try:
        await select_one(inherited)
    except WrongEventLoopError as error:
        assert "forked" in str(error), error
    else:
        raise AssertionError("the parent's engine worked in the child")
    await registry.close()

async def main():
    engine = registry.get("main")
    await registry.warm_up("main")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # asyncio takes the loop of the thread that forked for a running one: a thread of one's own has none.
            import threading
            failed = []
            def run():
                try:
                    asyncio.run(in_child(engine))
                except BaseException as error:
                    failed.append(error)
                    raise
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            code = len(failed)
        finally:
            os._exit(code)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    for _ in range(6):
        assert await select_one(engine) == 1
    assert registry.status("main").checked_in == 5
    await registry.close()
    print("fine")

asyncio.run(main())
"""


@SERVERS
def test_a_forked_child_gets_its_own_and_leaves_the_parents_alone(url: str) -> None:
    """The parent still uses its five connections afterwards: the child has sent nothing on them."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-W", "error::ResourceWarning", "-c", FORK, url],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )

    assert (result.stdout, result.stderr) == ("fine\n", "")


def test_a_thousand_profiles_open_nothing() -> None:
    urls = ["postgresql://app@db.invalid/main", "mysql://app@db.invalid/main", "sqlite:///./none/app.db"]
    profiles = {f"p{number}": DatabaseSettings(database_url=urls[number % 3]) for number in range(1000)}
    before = set(threading.enumerate())
    registry = EngineRegistry(profiles)
    statuses = [registry.status(name) for name in profiles]

    assert set(threading.enumerate()) <= before
    assert all(status.size == 5 and status.checked_in == status.checked_out == 0 for status in statuses)
    assert not any(registry.engines_of(name) for name in profiles)


async def test_a_thousand_profiles_of_one_server_each_have_no_task() -> None:
    several = DatabaseSettings(database_url="postgresql://app@/main", hosts=["127.0.0.1:1", "127.0.0.1:2"])
    alone = DatabaseSettings(database_url="postgresql://app@db.invalid/main")
    registry = EngineRegistry({"several": several, **{f"p{number}": alone for number in range(1000)}})
    before = asyncio.all_tasks()
    try:
        for number in range(1000):
            registry.get(f"p{number}")
        assert asyncio.all_tasks() == before

        with pytest.raises(ClusterError):  # what has several is watched, from its first use on
            await registry.ping("several", seconds=0.05)
        assert asyncio.all_tasks() > before
    finally:
        await registry.close()
    assert asyncio.all_tasks() == before


def test_an_unknown_profile_is_told_with_the_near_one() -> None:
    registry = EngineRegistry({"analytics": DatabaseSettings(database_url="sqlite://")})

    with pytest.raises(UnknownProfileError, match="use 'analytics'"):
        registry.get("analitics")


def test_an_inactive_profile_is_never_opened() -> None:
    registry = EngineRegistry({"old": DatabaseSettings(database_url="sqlite://", active=False)})

    with pytest.raises(ConfigError, match="fix: active = true"):
        registry.get("old")


async def test_a_missing_driver_is_told_when_the_engine_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    registry = EngineRegistry({"main": DatabaseSettings(database_url="postgresql://app@localhost/main")})

    with pytest.raises(MissingDriverError, match=r"fix: pip install 'myfy-data\[postgresql\]'"):
        registry.get("main")


async def test_each_engine_that_opens_is_shown(tmp_path: os.PathLike[str]) -> None:
    shown: list[tuple[str, AsyncEngine]] = []
    registry = EngineRegistry(
        {"main": DatabaseSettings(database_url="sqlite://")}, on_engine=lambda *both: shown.append(both)
    )

    engine = registry.get("main")
    registry.get("main")

    assert shown == [("main", engine)]


@SERVERS
async def test_closing_leaves_nothing_open_not_even_what_is_in_use(registry: EngineRegistry) -> None:
    engine = registry.get("main")
    connection = await engine.connect()
    await connection.execute(text("SELECT 1"))
    driver = (await connection.get_raw_connection()).driver_connection

    await registry.close()

    assert is_closed(driver)
    await connection.invalidate()
    await connection.close()


@SERVERS
async def test_warming_up_opens_the_pool(registry: EngineRegistry) -> None:
    await registry.warm_up("main")

    status = registry.status("main")
    await registry.close()
    assert (status.checked_in, status.checked_out, status.overflow, status.waiting) == (5, 0, 0, 0)


@SERVERS
async def test_a_ping_tells_the_server_and_the_time(registry: EngineRegistry, url: str) -> None:
    started = time.monotonic()
    result = await registry.ping("main")
    took = time.monotonic() - started
    await registry.close()

    assert result.profile == "main"
    assert result.server.split()[0] in {"PostgreSQL", "MariaDB", "MySQL", "SQLite"}
    assert 0 < result.latency <= took
