"""`data.reload()`: all of it or nothing, and a new engine before the old one leaves (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from myfy_data import (
    ConfigError,
    DatabaseConnectionError,
    DatabaseSettings,
    DataModule,
    DataModuleError,
    DataModuleNotConfiguredError,
    ReloadReport,
    UnknownProfileError,
)
from myfy_data.engines import draining
from myfy_data.engines.draining import Opened
from myfy_data.redaction import Secret
from tests.asyncio_servers import PATIENCE
from tests.databases import PERSISTENT, SERVERS, url_of
from tests.reloading import ID, LIMIT, NAME, Project, ask, drained, open_connections
from tests.sandbox import Sandbox


@pytest.fixture
def on_database(request: pytest.FixtureRequest, project: Sandbox) -> Project:
    return Project(project, url_of(request.param, request, project.path))


@pytest.fixture
def on_file(project: Sandbox) -> Project:
    return Project(project, f"sqlite+aiosqlite:///{project.path / 'app.db'}")


everywhere = pytest.mark.parametrize("on_database", PERSISTENT, indirect=True)
on_servers = pytest.mark.parametrize("on_database", SERVERS, indirect=True)


@on_servers
async def test_live_keys_hold_from_the_next_use_on_the_same_connections(on_database: Project) -> None:
    on_database.write("pool_size = 2", "statement_timeout = 50")
    async with DataModule() as data:
        before = await on_database.ids(data)
        on_database.write("pool_size = 3", "statement_timeout = 3", "command_timeout = 7", "pool_timeout = 5")

        report = await data.reload()

        assert report == ReloadReport(
            tuple(
                f"profiles.main.{key}" for key in ("command_timeout", "pool_size", "pool_timeout", "statement_timeout")
            ),
            (),
            (),
        )
        assert await on_database.ids(data) == before
        assert await ask(data, LIMIT[on_database.kind]) in ("3s", 3.0)
        assert data.pool_status().size == 3
        assert data.settings.profile().command_timeout == 7


@on_servers
async def test_a_limit_that_is_taken_back_is_the_servers_own_again(on_database: Project) -> None:
    async with DataModule() as data:
        own = await ask(data, LIMIT[on_database.kind])
        on_database.write("statement_timeout = 50")
        await data.reload()
        limited = await ask(data, LIMIT[on_database.kind])
        on_database.write()
        await data.reload()

        assert limited in ("50s", 50.0)
        assert await ask(data, LIMIT[on_database.kind]) == own


@on_servers
async def test_a_deadline_of_the_client_holds_on_connections_that_are_open(on_database: Project) -> None:
    sleep = {"postgresql": "SELECT pg_sleep(600)", "mysql": "SELECT sleep(600)"}[on_database.kind]
    async with DataModule() as data:
        await ask(data, "SELECT 1")
        on_database.write("command_timeout = 0.2")
        await data.reload()

        async with asyncio.timeout(PATIENCE):
            with pytest.raises(DataModuleError, match=r"0\.2 s"):
                await ask(data, sleep)


@on_servers
async def test_a_connection_that_is_being_opened_meanwhile_is_told_the_new_deadlines(on_database: Project) -> None:
    async with DataModule() as data:
        await ask(data, "SELECT 1")
        (opened,) = data.engine_gate.registry.engines_of("main")
        (handle,) = opened.handles
        open_one = handle.backend.open

        async def reload_meanwhile(secret: Secret | None, arguments: Mapping[str, Any]) -> object:
            connection = await open_one(secret, arguments)
            on_database.write("statement_timeout = 3")
            await data.reload()
            return connection

        handle.backend.open = reload_meanwhile  # type: ignore[method-assign]  # the moment in between
        async with data.session("main") as first, data.session("main") as second:
            await first.execute(text("SELECT 1"))
            limit = (await second.execute(text(LIMIT[on_database.kind]))).scalar_one()

        assert limit in ("3s", 3.0)


@everywhere
async def test_a_pool_grows_for_those_who_wait_and_shrinks_as_connections_come_back(on_database: Project) -> None:
    on_database.write("pool_size = 1", "max_overflow = 0", "pool_timeout = 60")
    async with DataModule() as data:
        held = data.get_session_factory().create_session(read_only=True)
        await held.execute(text("SELECT 1"))
        waiting = asyncio.create_task(ask_reading(data))
        while not data.pool_status().waiting:
            await asyncio.sleep(0)
        on_database.write("pool_size = 2", "max_overflow = 0", "pool_timeout = 60")
        await data.reload()
        async with asyncio.timeout(PATIENCE):
            assert await waiting == 1
        grown = data.pool_status()
        on_database.write("pool_size = 1", "max_overflow = 0", "pool_timeout = 60")
        await data.reload()
        await held.close()

        shrunk = data.pool_status()
        assert (grown.size, grown.checked_out, grown.checked_in) == (2, 1, 1)
        assert (shrunk.size, shrunk.checked_out, shrunk.overflow) == (1, 0, 0)
        assert shrunk.checked_in <= 1


async def ask_reading(data: DataModule) -> object:
    async with data.session("main", read_only=True) as session:
        return (await session.execute(text("SELECT 1"))).scalar_one()


@on_servers
async def test_a_swap_asks_the_new_server_first_and_lets_the_old_transaction_end(on_database: Project) -> None:
    on_database.write('application_name = "before"')
    async with DataModule() as data:
        async with data.session() as old:
            [mine] = (await old.execute(text(ID[on_database.kind]))).scalars()
            on_database.write('application_name = "after"')
            async with drained(data) as replaced:
                report = await data.reload()
                new = await ask(data, ID[on_database.kind])
                name = await ask(data, NAME[on_database.kind])
                still = (await old.execute(text(ID[on_database.kind]))).scalar_one()
                await old.commit()
                moved = (await old.execute(text(ID[on_database.kind]))).scalar_one()
                await old.commit()

        assert report == ReloadReport((), ("main",), ())
        assert (still, new != mine, moved != mine) == (mine, True, True)
        assert name in ("after", "no server tells it")
        assert [in_use for opened in replaced if (in_use := len(open_connections(opened)))] == []
        assert data.pool_status().checked_out == 0


@everywhere
async def test_a_target_that_does_not_answer_changes_nothing(on_database: Project) -> None:
    on_database.write("pool_size = 2")
    async with DataModule() as data:
        engine, settings = data.get_engine(), data.settings
        nowhere = {
            "sqlite": f"sqlite+aiosqlite:///{on_database.sandbox.path / 'no' / 'such.db'}",
            "postgresql": "postgresql+asyncpg://app@127.0.0.1:1/shop",
            "mysql": "mysql+aiomysql://app@127.0.0.1:1/shop",
        }
        on_database.write("pool_size = 7", url=nowhere[on_database.kind])

        with pytest.raises(DatabaseConnectionError):
            await data.reload()

        assert data.settings is settings
        assert data.get_engine() is engine
        assert data.pool_status().size == 2
        assert data.engine_gate.registry.draining.engines == []
        assert await ask(data, "SELECT 1") == 1


async def test_one_error_changes_nothing_and_is_told_with_its_place(
    on_file: Project, caplog: pytest.LogCaptureFixture
) -> None:
    async with DataModule() as data:
        engine = data.get_engine()
        on_file.write("pool_size = 7", "pool_sise = 8")

        with pytest.raises(ConfigError, match=r"myfy.toml:6:1: profiles.main.pool_sise: .*pool_size"):
            await data.reload()

        assert data.get_engine() is engine
        assert data.pool_status().size == 5
    [record] = [record for record in caplog.records if record.name == "myfy_data.reload"]
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("refused, nothing has changed: 1 problem\nmyfy.toml:6:1: ")


async def test_the_log_tells_each_key_with_its_origin_and_no_secret(
    on_file: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="myfy_data.reload")
    more = '[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///other.db"'
    on_file.write(more=more)
    async with DataModule() as data:
        on_file.write("pool_size = 7", more=more.replace("other.db", "canary.db") + "\n[data.reload]\nwatch = true")

        await data.reload()
        await data.reload()

    told = [record.getMessage() for record in caplog.records if record.name == "myfy_data.reload"]
    first = "applied: profiles.main.pool_size 5 -> 7 (myfy.toml:5:1); swapped: other (database_url myfy.toml:7:1)"
    assert told == [f"{first}; restart needed for: reload.watch", "restart needed for: reload.watch"]


async def test_a_server_that_does_not_answer_is_told_without_its_password(
    on_file: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    more = '[data.profiles.other]\ndatabase_url = "postgresql://app:{}@127.0.0.1:1/shop"'
    on_file.write(more=more.format("canary-before"))
    async with DataModule() as data:
        on_file.write(more=more.format("canary-after"))
        with pytest.raises(DatabaseConnectionError) as caught:
            await data.reload()
        on_file.write(more=more.format("canary-wrong") + "\npassword_file = 7")
        with pytest.raises(ConfigError) as refused:
            await data.reload()

    assert "refused, nothing has changed" in caplog.text
    assert "canary" not in f"{caplog.text} {caught.value} {refused.value!r} {refused.value}"


async def test_profiles_appear_and_vanish(on_file: Project) -> None:
    async with DataModule(profile="main") as data:
        on_file.write(more='[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///other.db"')
        came = await data.reload()
        async with data.session("other") as session:
            await session.execute(text("CREATE TABLE t (a int)"))
            kept = data.get_session_factory("other")
        on_file.write()
        left = await data.reload()

        assert (came.applied, left.applied) == (("profiles.other",), ("profiles.other",))
        with pytest.raises(UnknownProfileError):
            data.session("other")
        with pytest.raises(UnknownProfileError):
            async with kept.session_context() as session:
                await session.execute(text("SELECT 1"))


async def test_the_profile_that_a_module_goes_by_cannot_vanish(on_file: Project) -> None:
    other = '[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///other.db"'
    on_file.write(more=other)
    async with DataModule(profile="other") as data:
        on_file.write()

        with pytest.raises(UnknownProfileError):
            await data.reload()

        assert list(data.profiles) == ["main", "other"]


async def test_settings_that_code_gave_are_refused(on_file: Project) -> None:
    async with DataModule(settings=DatabaseSettings(database_url=on_file.url)) as data:
        with pytest.raises(ConfigError, match="argument: settings: was given in code"):
            await data.reload()


async def test_a_module_that_does_not_run_is_refused(on_file: Project) -> None:
    data = DataModule()
    with pytest.raises(DataModuleNotConfiguredError, match=r"await data.start\(\)"):
        await data.reload()
    await data.start()
    await data.stop()
    with pytest.raises(DataModuleNotConfiguredError):
        await data.reload()


async def test_a_stop_while_the_new_server_is_asked_leaves_nothing_open(on_file: Project) -> None:
    data = DataModule()
    await data.start()
    registry = data.engine_gate.registry
    opened: list[Opened] = []
    open_beside = registry.open_beside

    async def stop_meanwhile(profile: str, settings: DatabaseSettings) -> Opened:
        opened.append(await open_beside(profile, settings))
        await data.stop()
        return opened[0]

    registry.open_beside = stop_meanwhile  # type: ignore[method-assign]  # the moment in between
    on_file.write('isolation_level = "SERIALIZABLE"')

    with pytest.raises(DataModuleNotConfiguredError):
        await data.reload()

    assert [len(open_connections(each)) for each in opened] == [0]


async def test_the_second_of_two_reloads_waits_for_the_first(on_file: Project) -> None:
    async with DataModule() as data:
        on_file.write("execution_options = { x = 1 }")
        first, second = await asyncio.gather(data.reload(), data.reload())

        assert first.swapped == ("main",)
        assert second.is_empty


async def test_a_transaction_that_does_not_end_is_cut_off_after_the_drain(
    on_file: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(draining, "DRAIN_TIMEOUT", 0.0)
    async with DataModule() as data:
        held = data.get_session_factory().create_session()
        await held.execute(text("CREATE TABLE t (a int)"))
        on_file.write("read_only = false", "execution_options = { x = 1 }")
        async with drained(data):
            await data.reload()
        with pytest.raises(Exception, match=r"closed|Cannot operate"):
            await held.execute(text("SELECT 1"))
        await held.close()
        assert await ask(data, "SELECT 1") == 1
    assert any("are cut off" in record.getMessage() for record in caplog.records)


async def test_a_stop_closes_what_still_drains(on_file: Project) -> None:
    data = DataModule()
    await data.start()
    held = data.get_session_factory().create_session()
    await held.execute(text("SELECT 1"))
    on_file.write("execution_options = { x = 1 }")
    await data.reload()
    [old] = data.engine_gate.registry.draining.engines

    async with asyncio.timeout(PATIENCE):
        await data.stop()

    assert open_connections(old) == []
    with pytest.raises((SQLAlchemyError, DataModuleError, ValueError)):  # SQLAlchemy 2.0 hands on aiosqlite's own
        await held.execute(text("SELECT 1"))
    await held.close()


async def test_hooks_hear_of_the_new_engine_before_anything_is_sent(on_file: Project) -> None:
    heard: list[tuple[str, int]] = []

    def hook(profile: str, engine: object) -> None:
        heard.append((profile, data.pool_status().checked_in))

    data = DataModule(on_engine=hook)
    async with data:
        on_file.write("execution_options = { x = 1 }")
        await data.reload()

    assert [profile for profile, _ in heard] == ["main", "main"]


async def test_an_engine_that_was_kept_leads_to_the_present_one(on_file: Project) -> None:
    async with DataModule() as data:
        kept = data.get_engine()
        other = on_file.sandbox.path / "other.db"
        on_file.write(url=f"sqlite+aiosqlite:///{other}")
        async with drained(data):
            await data.reload()

        async with kept.connect() as connection:
            [(_, _, file)] = (await connection.execute(text("PRAGMA database_list"))).all()

        assert file == str(other)
