"""`DataModule` from start to stop, on every database (contract C4, seed S5)."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import (
    AutoCreateTablesProductionError,
    ConfigError,
    DatabaseConnectionError,
    DatabaseSettings,
    DataModule,
    DataModuleNotConfiguredError,
    DataSettings,
    HealthReport,
)
from tests.asyncio_servers import PATIENCE, black_hole
from tests.databases import ALL, PERSISTENT, Database
from tests.own_servers import closed_port
from tests.sandbox import Sandbox

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)

CANARY = "CANARY-module"


@pytest.fixture
def nowhere() -> Iterator[DatabaseSettings]:
    """A profile whose server refuses every connection."""
    with closed_port() as port:
        url = f"postgresql+asyncpg://app:{CANARY}@127.0.0.1:{port}/main"
        yield DatabaseSettings(database_url=url)


@pytest.fixture
def silent() -> Iterator[DatabaseSettings]:
    """A profile whose server accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        yield DatabaseSettings(database_url=f"postgresql+asyncpg://app@127.0.0.1:{port}/main", connect_timeout=0.5)


def deaf(port: int, *names: str, **settings: object) -> dict[str, DatabaseSettings]:
    """Profiles of a server that never answers, with time to notice whether they are asked one after the other."""
    url = f"postgresql://app@127.0.0.1:{port}/main"
    return {name: DatabaseSettings(database_url=url, connect_timeout=60.0, **settings) for name in names}


def sqlite(**settings: object) -> DatabaseSettings:
    return DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:", **settings)


def module(default: str = "main", **profiles: DatabaseSettings) -> DataModule:
    return DataModule(settings=DataSettings(default=default, profiles=profiles))


@on_all
async def test_a_session_works_without_start(database: Database) -> None:
    data = database.module()
    async with data.session() as session:
        answer = await session.scalar(text("SELECT 1"))
    await data.stop()

    assert answer == 1


@on_all
async def test_a_stopped_module_may_start_again(database: Database) -> None:
    data = database.module()
    factory = data.get_session_factory()
    for _ in range(2):
        async with data, factory.session_context() as session:
            assert await session.scalar(text("SELECT 1")) == 1


@on_all
async def test_after_stop_it_says_what_to_do(database: Database) -> None:
    data = database.module()
    factory = data.get_session_factory()
    async with data:
        pass

    async def through_an_old_factory() -> None:
        async with factory.session_context() as session:
            await session.execute(text("SELECT 1"))

    for use in (data.session, data.get_engine, data.get_session_factory, data.pool_status):
        with pytest.raises(DataModuleNotConfiguredError, match=r"fix: start it again: await data.start\(\)"):
            use()
    with pytest.raises(DataModuleNotConfiguredError):
        await data.health()
    with pytest.raises(DataModuleNotConfiguredError):
        await through_an_old_factory()


@on_persistent
async def test_stop_closes_every_connection(database: Database) -> None:
    async with database.module() as data:
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
        engine = data.get_engine()
        opened = data.pool_status().checked_in

    assert (opened, engine.pool.checkedin()) == (1, 0)  # type: ignore[attr-defined]  # it is a queue pool


@on_all
async def test_starting_and_stopping_twice_does_nothing_more(database: Database) -> None:
    data = database.module()
    await data.start()
    engine = data.get_engine()
    await data.start()
    same = data.get_engine() is engine
    await data.stop()
    await data.stop()

    assert same


async def test_stop_waits_for_its_clean_up_when_it_is_cancelled() -> None:
    data = module(main=sqlite())
    await data.start()
    task = asyncio.create_task(data.stop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(DataModuleNotConfiguredError):
        data.get_engine()


async def test_a_body_that_raises_stops_the_module_as_well() -> None:
    data = module(main=sqlite())
    with pytest.raises(ValueError, match="mine"):
        async with data:
            raise ValueError("mine")

    with pytest.raises(DataModuleNotConfiguredError):
        data.get_engine()


@on_all
async def test_on_engine_is_called_once_for_each_engine_that_opens(database: Database) -> None:
    opened: list[tuple[str, AsyncEngine]] = []
    settings = DataSettings(default="main", profiles={"main": database.settings(), "idle": sqlite()})
    data = DataModule(settings=settings, on_engine=lambda profile, engine: opened.append((profile, engine)))
    async with data:
        for _ in range(2):
            async with data.session() as session:
                await session.execute(text("SELECT 1"))
        engine = data.get_engine()

    assert opened == [("main", engine)]


async def test_a_required_profile_that_is_down_stops_the_start_and_is_named(nowhere: DatabaseSettings) -> None:
    data = module(main=sqlite(), dwh=nowhere.model_copy(update={"required": True}))

    with pytest.raises(DatabaseConnectionError, match="profile 'dwh'") as caught:
        await data.start()

    assert "fix:" in str(caught.value)
    assert CANARY not in str(caught.value)


async def test_every_required_profile_that_is_down_is_told(nowhere: DatabaseSettings) -> None:
    required = nowhere.model_copy(update={"required": True})

    with pytest.raises(DatabaseConnectionError, match="profile 'a'") as caught:
        await module(default="a", a=nowhere, b=required).start()

    assert "profile 'b'" in caught.value.__notes__[0]


async def test_an_optional_profile_that_is_down_does_not_stop_the_start(nowhere: DatabaseSettings) -> None:
    async with module(main=sqlite(), dwh=nowhere) as data, data.session() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_the_default_profile_need_not_be_required(nowhere: DatabaseSettings) -> None:
    async with module(main=nowhere.model_copy(update={"required": False})) as data:
        assert list(data.profiles) == ["main"]


async def test_a_start_that_fails_leaves_nothing_open(nowhere: DatabaseSettings) -> None:
    engines: list[AsyncEngine] = []
    settings = DataSettings(default="down", profiles={"down": nowhere, "up": sqlite(required=True)})
    data = DataModule(settings=settings, on_engine=lambda _, engine: engines.append(engine))
    with pytest.raises(DatabaseConnectionError):
        await data.start()

    assert [engine.pool.checkedin() for engine in engines] == [0] * len(engines)  # type: ignore[attr-defined]  # a queue pool
    with pytest.raises(DataModuleNotConfiguredError):
        data.get_engine("up")


async def test_a_start_that_failed_may_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "later" / "app.db"
    data = module(main=DatabaseSettings(database_url=f"sqlite+aiosqlite:///{path}"))
    with pytest.raises(DatabaseConnectionError):
        await data.start()
    path.parent.mkdir()

    async with data, data.session() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_start_waits_no_longer_than_connect_timeout(silent: DatabaseSettings) -> None:
    with pytest.raises(DatabaseConnectionError, match=r"profile 'main': .*no answer within 0\.5 s"):
        await module(main=silent).start()


async def test_required_profiles_are_asked_at_once() -> None:
    async with black_hole(guests=3) as (port, together):
        starting = asyncio.create_task(module("a", **deaf(port, "a", "b", "c", required=True)).start())
        async with asyncio.timeout(PATIENCE):
            await together.wait()
        starting.cancel()
        await asyncio.wait([starting])


@on_persistent
async def test_a_warm_profile_has_its_connections_at_start(database: Database) -> None:
    async with database.module(warm_up=True, pool_size=2) as data:
        assert data.pool_status().checked_in == 2


async def test_an_optional_profile_that_cannot_warm_up_is_logged(
    nowhere: DatabaseSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with module(main=sqlite(), dwh=nowhere.model_copy(update={"warm_up": True})):
        pass

    assert "profile 'dwh' was not warmed up" in caplog.text
    assert CANARY not in caplog.text


@on_all
async def test_the_tables_of_the_metadata_are_created_at_start(database: Database) -> None:
    settings = DataSettings(profiles={"main": database.settings()})
    async with (
        DataModule(settings=settings, auto_create_tables=True, metadata=database.metadata) as data,
        data.session() as session,
    ):
        connection = await session.connection()
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())

    assert set(database.metadata.tables) <= set(names)


@pytest.mark.parametrize("environment", ["production", "prod", "live"])
async def test_auto_create_is_refused_in_production_before_anything_opens(environment: str) -> None:
    opened: list[str] = []
    settings = DataSettings(environment=environment, profiles={"main": sqlite()})
    data = DataModule(
        settings=settings, auto_create_tables=True, metadata=None, on_engine=lambda profile, _: opened.append(profile)
    )

    with pytest.raises(AutoCreateTablesProductionError, match=environment):
        await data.start()

    assert opened == []


async def test_auto_create_without_metadata_says_what_to_hand_over() -> None:
    data = DataModule(settings=DataSettings(profiles={"main": sqlite()}), auto_create_tables=True)

    with pytest.raises(ConfigError, match=r"metadata=Base\.metadata"):
        await data.start()


async def test_auto_create_in_a_read_only_profile_is_refused() -> None:
    settings = DataSettings(profiles={"main": sqlite(read_only=True)})
    data = DataModule(settings=settings, auto_create_tables=True, metadata=MetaData())

    with pytest.raises(ConfigError, match="profile 'main' is read-only"):
        await data.start()


async def test_warnings_of_the_load_are_logged_once_per_start(
    project: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    project.write(
        "myfy.toml",
        """
        [data]
        database_url = "postgresql+asyncpg://app@db.internal/main"
        required = false
        """,
    )
    async with DataModule(environment="production"):
        pass

    warned = [record for record in caplog.records if record.name == "myfy_data" and record.levelno == logging.WARNING]
    assert len(warned) == 1
    assert "tls" in warned[0].getMessage()


@on_all
async def test_health_is_good_when_the_server_answers(data: DataModule) -> None:
    started = time.monotonic()
    report = await data.health()
    took = time.monotonic() - started

    assert isinstance(report, HealthReport)
    assert (report.ok, report.profiles["main"].ok, report.profiles["main"].error) == (True, True, None)
    assert 0 < report.profiles["main"].latency <= took


async def test_health_tells_the_required_from_the_others(nowhere: DatabaseSettings) -> None:
    async with module(main=sqlite(), dwh=nowhere) as data:
        report = await data.health()

    assert (report.ok, report.degraded) == (True, True)
    assert (report.profiles["dwh"].ok, report.profiles["dwh"].required) == (False, False)
    assert CANARY not in repr(report)
    assert "127.0.0.1" not in repr(report)


async def test_health_asks_all_profiles_at_once() -> None:
    async with black_hole(guests=3) as (port, together), module(main=sqlite(), **deaf(port, "a", "b", "c")) as data:
        asking = asyncio.create_task(data.health())
        async with asyncio.timeout(PATIENCE):
            await together.wait()
        asking.cancel()
        await asyncio.wait([asking])


async def test_health_waits_no_longer_than_connect_timeout(silent: DatabaseSettings) -> None:
    async with module(main=sqlite(), a=silent, b=silent) as data:
        report = await data.health()

    assert (report.profiles["a"].ok, report.profiles["b"].ok) == (False, False)


@on_persistent
async def test_the_pool_status_counts_what_is_in_use(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("SELECT 1"))
        used = data.pool_status()
    idle = data.pool_status("main")

    assert (used.size, used.checked_out, idle.checked_out, idle.checked_in) == (2, 1, 0, 1)


@on_all
async def test_an_engine_can_be_asked_for_before_start(database: Database) -> None:
    data = database.module()
    connected: list[object] = []
    event.listen(data.get_engine().sync_engine, "connect", lambda *arguments: connected.append(arguments))
    await data.stop()

    assert connected == []
