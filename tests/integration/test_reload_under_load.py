"""Thirty reloads while twenty tasks write: no request fails, healthy connections stay (issue 13, contract C12.5)."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from myfy_data import ConfigError, DataModule
from tests.asyncio_servers import PATIENCE
from tests.databases import PERSISTENT, url_of
from tests.integration.test_credentials_under_load import ROUNDS, WRITERS, Load
from tests.reloading import ID, Project, ask, drained, open_connections
from tests.sandbox import Sandbox

TABLE = "reloaded"

everywhere = pytest.mark.parametrize("on_database", PERSISTENT, indirect=True)


@pytest.fixture
def on_database(request: pytest.FixtureRequest, project: Sandbox) -> Project:
    return Project(project, url_of(request.param, request, project.path))


async def under_load(data: DataModule, reload: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> Load:
    """Thirty reloads, each with whole writes of every task before and after it."""
    async with data.session("main") as session:
        await session.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
        await session.execute(text(f"CREATE TABLE {TABLE} (a int)"))
    load = Load(data, TABLE)
    async with asyncio.timeout(PATIENCE * 10), asyncio.TaskGroup() as group:
        for at in range(WRITERS):
            group.create_task(load.write(at))
        for turn in range(rounds):
            await reload(turn)
            await load.go_on()
        load.ended = True
    return load


async def stored(data: DataModule) -> object:
    found = await ask(data, f"SELECT count(*) FROM {TABLE}")
    async with data.session("main") as session:
        await session.execute(text(f"DROP TABLE {TABLE}"))
    return found


@everywhere
async def test_live_keys_under_load(on_database: Project) -> None:
    bounded = ("pool_size = 4", "max_overflow = 0", f"connect_timeout = {PATIENCE}")
    on_database.write(*bounded)
    async with DataModule() as data:
        before = await on_database.ids(data, 4) if on_database.kind in ID else []

        async def reload(turn: int) -> None:
            others = (f"command_timeout = {PATIENCE + turn}", f"statement_timeout = {PATIENCE + turn}")
            slow = f"[data.profiles.main.slow]\nstatement = {turn + 1}"
            on_database.write(*bounded, *others, f"pool_timeout = {PATIENCE + turn}", more=slow)
            report = await data.reload()
            assert (len(report.applied), report.swapped) == (4, ())

        load = await under_load(data, reload)
        after = await on_database.ids(data, 4) if on_database.kind in ID else []

        assert load.failed == []
        assert await stored(data) == sum(load.done)
        assert after == before
        assert data.pool_status().checked_out == 0


@everywhere
async def test_pools_that_grow_and_shrink_under_load(on_database: Project) -> None:
    async with DataModule() as data:

        async def reload(turn: int) -> None:
            on_database.write(f"pool_size = {1 + turn % 5}", f"max_overflow = {turn % 3}", f"pool_timeout = {PATIENCE}")
            await data.reload()

        load = await under_load(data, reload)
        status = data.pool_status()

        assert load.failed == []
        assert await stored(data) == sum(load.done)
        assert (status.size, status.checked_out, status.waiting) == (5, 0, 0)
        assert status.checked_in <= 5


@everywhere
async def test_swaps_under_load(on_database: Project) -> None:
    bounded = ("pool_size = 3", "max_overflow = 0", f"pool_timeout = {PATIENCE}", f"connect_timeout = {PATIENCE}")
    steady = f'[data.profiles.steady]\ndatabase_url = "{on_database.url}"\npool_size = 1\nmax_overflow = 0'
    on_database.write(*bounded, more=steady)
    async with DataModule() as data:
        healthy = data.get_engine("steady")
        before = await on_database.ids(data, 1, "steady") if on_database.kind in ID else []

        async def reload(turn: int) -> None:
            on_database.write(*bounded, f"execution_options = {{ turn = {turn} }}", more=steady)
            assert (await data.reload()).swapped == ("main",)

        async with drained(data) as replaced:
            load = await under_load(data, reload)
        after = await on_database.ids(data, 1, "steady") if on_database.kind in ID else []

        assert load.failed == []
        assert await stored(data) == sum(load.done)
        assert (after, data.get_engine("steady")) == (before, healthy)
        assert [connection for opened in replaced for connection in open_connections(opened)] == []
        assert data.pool_status().checked_out == 0


@everywhere
async def test_random_edits_under_load(on_database: Project) -> None:
    chance = random.Random(13)
    bounded = (f"pool_timeout = {PATIENCE}", f"connect_timeout = {PATIENCE}")
    on_database.write(*bounded)
    other = '[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///other.db"'
    async with DataModule() as data:
        held: tuple[str, ...] = ()

        async def reload(_: int) -> None:
            nonlocal held
            edits = {
                "pool": (f"pool_size = {chance.randint(1, 6)}", f"max_overflow = {chance.randint(0, 3)}"),
                "deadline": (f"statement_timeout = {chance.randint(60, 90)}",),
                "swap": (f"execution_options = {{ turn = {chance.random()} }}",),
            }
            held = tuple(line for name in chance.sample(sorted(edits), chance.randint(0, 3)) for line in edits[name])
            more = chance.choice(["", other])
            if chance.random() < 0.25:
                on_database.write(*bounded, *held, "pool_sise = 1", more=more)
                with pytest.raises(ConfigError):
                    await data.reload()
                return
            on_database.write(*bounded, *held, more=more)
            await data.reload()
            assert set(data.profiles) == ({"main", "other"} if more else {"main"})

        async with drained(data) as replaced:
            load = await under_load(data, reload)

        assert load.failed == []
        assert await stored(data) == sum(load.done)
        assert data.pool_status().checked_out == 0
        assert [connection for opened in replaced for connection in open_connections(opened)] == []


async def test_a_wrong_file_and_a_dead_target_under_load_fail_no_request(project: Sandbox) -> None:
    on_file = Project(project, f"sqlite+aiosqlite:///{project.path / 'app.db'}")
    async with DataModule() as data:

        async def reload(turn: int) -> None:
            wrong = {"url": f"sqlite+aiosqlite:///{project.path}/no/such.db"} if turn % 2 else {"more": "sise = 1"}
            on_file.write(**wrong)
            with pytest.raises(Exception, match=r"sise|no/such"):
                await data.reload()

        load = await under_load(data, reload)

        assert load.failed == []
        assert await stored(data) == sum(load.done)


async def test_two_hundred_reloads_leave_nothing_behind(project: Sandbox) -> None:
    on_file = Project(project, f"sqlite+aiosqlite:///{project.path / 'app.db'}")
    async with DataModule() as data:

        async def reload(turn: int) -> None:
            on_file.write(f"pool_size = {1 + turn % 4}", f"execution_options = {{ turn = {turn} }}")
            async with drained(data):
                await data.reload()
            await ask(data, "SELECT 1")

        counts = []
        for block in range(4):
            for turn in range(50):
                await reload(block * 50 + turn)
            gc.collect()
            counts.append(len(gc.get_objects()))

        # An engine is thousands of objects; a memory with a bound, as that of slow statements, may fill meanwhile.
        assert min(counts[2:]) - counts[1] < 2000
