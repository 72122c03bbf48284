"""Health asks over a connection of its own: a busy pool is no dead server, and it leaves nothing behind (C12.1)."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DataModule, DataModuleNotConfiguredError
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import ALL, PERSISTENT, SERVERS, Database
from tests.integration.test_connect_secrets import SERVERS as KINDS
from tests.integration.test_connect_secrets import silent

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)

COUNT = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_catalog AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'",  # no autovacuum
    "mysql": ("SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"),
}


@on_all
async def test_a_busy_pool_is_no_dead_server(database: Database) -> None:
    size = 1 if database.kind == "memory" else 2
    async with database.module(pool_size=size, pool_timeout=60.0) as data, AsyncExitStack() as stack:
        for _ in range(size):
            session = await stack.enter_async_context(data.session(read_only=True))
            await session.execute(text("SELECT 1"))
        health = (await data.health()).profiles["main"]
        status = data.pool_status()

    assert (health.ok, health.error) == (True, None)
    assert (status.checked_out, status.waiting) == (size, 0)


@on_all
async def test_a_writer_does_not_keep_health_waiting(narrow: DataModule, database: Database) -> None:
    async with narrow.session() as session:
        await session.execute(database.note("a"))
        health = (await narrow.health()).profiles["main"]

    assert health.ok


async def test_a_table_that_is_being_made_in_memory_does_not_keep_health_waiting() -> None:
    async with Database("memory", "sqlite+aiosqlite:///:memory:").module() as data, data.session() as session:
        await session.execute(text("CREATE TABLE t (i INTEGER)"))

        assert (await data.health()).ok


@on_persistent
async def test_health_leaves_the_pool_as_it_was(data: DataModule) -> None:
    before = data.pool_status()
    await data.health()

    assert data.pool_status() == before


async def others(database: Database) -> int:
    """Connections to the database, this one not counted; a server forgets one a moment after it was closed."""
    engine = create_async_engine(database.url, poolclass=NullPool)
    async with engine.connect() as connection:
        found: int = await connection.scalar(text(COUNT[database.kind]))
    return found


async def come_down_to(count: int, database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while await others(database) > count:
            pass


@on_servers
async def test_no_connection_is_left_on_the_server(database: Database) -> None:
    async with database.module() as data:
        await come_down_to(1, database)
        for _ in range(3):
            await asyncio.gather(*(data.health() for _ in range(3)))
        await come_down_to(1, database)
        still = await others(database)
    await come_down_to(0, database)

    assert still == 1, "that of start(), which is in the pool"


@on_servers
async def test_health_that_is_cancelled_leaves_no_connection_on_the_server(database: Database) -> None:
    async with database.module() as data:
        for turns in range(40):
            task = asyncio.create_task(data.health())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await come_down_to(1, database)

        assert (await data.health()).ok


@pytest.mark.parametrize("kind", KINDS)
async def test_a_probe_that_runs_out_of_time_is_closed(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        data = DataModule(settings=server.settings(KINDS[kind][2], 30, tmp_path))
        asking = asyncio.create_task(data.health())
        await server.arrived.wait()
        deadline_of(30)()
        async with asyncio.timeout(PATIENCE):
            health = (await asking).profiles["main"]
            await server.left.wait()
        await data.stop()

    assert not health.ok


@pytest.mark.parametrize("kind", KINDS)
async def test_a_probe_ends_with_its_module(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        data = DataModule(settings=server.settings(KINDS[kind][2], 30, tmp_path))
        asking = asyncio.create_task(data.health())
        await server.arrived.wait()
        await data.stop()
        report = await asking
        async with asyncio.timeout(PATIENCE):
            await server.left.wait()

    assert not report.ok
    with pytest.raises(DataModuleNotConfiguredError):
        await data.health()


@on_servers
async def test_a_server_that_answers_no_more_is_told_although_the_pool_has_connections(database: Database) -> None:
    async with database.relayed() as relay, database.module(connect_timeout=PATIENCE) as data:
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
        relay.lose_answers(then=deadline_of(PATIENCE))
        health = (await data.health()).profiles["main"]

    assert not health.ok


async def test_a_file_that_no_process_may_open_is_told(tmp_path: Path) -> None:
    path = tmp_path / f"{secrets.token_hex(4)}.db"
    path.write_text("this is no database, and long enough to be told from an empty one" * 20, encoding="utf-8")
    data = Database("sqlite", f"sqlite+aiosqlite:///{path}").module()
    report = await data.health()
    await data.stop()

    assert not report.ok
