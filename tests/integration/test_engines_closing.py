"""What is being opened while the engines close does not survive them (contract C4, C10)."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import DatabaseSettings, DataModule, DataModuleNotConfiguredError, DataSettings
from myfy_data.engines.registry import EngineRegistry
from tests.asyncio_servers import PATIENCE, close_server
from tests.databases import ALL, Database

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
both = pytest.mark.parametrize("driver", ["postgresql", "mysql"])
NEW = r"profile 'main': the engine was closed\n  fix: get it anew from a module that was started: data.get_engine\(\)"


@asynccontextmanager
async def black_hole() -> AsyncIterator[tuple[int, asyncio.Event, asyncio.Event]]:
    """The port of a server that accepts and never answers; set at the first client, and when the last one has gone."""
    came, gone = asyncio.Event(), asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        with suppress(ConnectionResetError):
            while await reader.read(1000):
                pass
        writer.transport.abort()
        gone.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came, gone
    finally:
        await close_server(server)


async def select_one(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


class ConnectGate:
    """Holds up each opening of a connection, which cannot be cancelled."""

    def __init__(self, way_in: Callable[[Any], Awaitable[Any]]) -> None:
        self.reached, self.opens = asyncio.Event(), asyncio.Event()
        self._way_in = way_in

    async def open(self, *arguments: Any) -> Any:
        self.reached.set()
        while not self.opens.is_set():
            with suppress(asyncio.CancelledError):
                await self.opens.wait()
        return await self._way_in(*arguments)


def watch(monkeypatch: pytest.MonkeyPatch, backend: Any) -> list[Any]:
    """The connections that are aborted from now on."""
    aborted, abort = [], backend.abort
    monkeypatch.setattr(backend, "abort", lambda connection: (aborted.append(connection), abort(connection)))
    return aborted


@both
async def test_a_connection_under_way_is_given_up_when_the_engine_closes(driver: str) -> None:
    async with black_hole() as (port, came, gone):
        url = f"{driver}://app:secret@127.0.0.1:{port}/main"
        registry = EngineRegistry({"main": DatabaseSettings(database_url=url, connect_timeout=60.0, tls="disable")})
        connecting = asyncio.create_task(select_one(registry.get("main")))
        await came.wait()

        async with asyncio.timeout(PATIENCE):
            await registry.close()
        await gone.wait()

        with pytest.raises(DataModuleNotConfiguredError, match=NEW):
            await connecting


@on_all
async def test_a_connection_that_comes_after_the_end_is_closed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that finishes what was called off, as a thread does: its connection came too late."""
    registry = EngineRegistry({"main": database.settings()})
    engine = registry.get("main")
    backend: Any = registry.engines_of("main")[0].backend
    gate, aborted = ConnectGate(backend.open), watch(monkeypatch, backend)
    monkeypatch.setattr(backend, "open", gate.open)
    connecting = asyncio.create_task(select_one(engine))
    await gate.reached.wait()
    closing = asyncio.create_task(registry.close())
    await asyncio.sleep(0)
    gate.opens.set()
    await closing

    with pytest.raises(DataModuleNotConfiguredError, match=NEW):
        await connecting
    assert len(aborted) == 1
    aborted.clear()
    gc.collect()


@on_all
async def test_an_engine_that_was_kept_opens_nothing_after_the_end(database: Database) -> None:
    async with database.module() as data:
        engine = data.get_engine()
        await select_one(engine)

    with pytest.raises(DataModuleNotConfiguredError, match=NEW):
        await select_one(engine)


@on_all
async def test_who_waits_for_a_connection_is_told_when_the_engine_closes(database: Database) -> None:
    registry = EngineRegistry({"main": database.settings(pool_size=1, pool_timeout=30.0)})
    engine = registry.get("main")
    held = await engine.connect()
    waiting = asyncio.create_task(select_one(engine))
    while registry.status("main").waiting == 0:
        await asyncio.sleep(0)

    await registry.close()

    with pytest.raises(DataModuleNotConfiguredError, match=NEW):
        await waiting
    await held.invalidate()
    await held.close()


@on_all
async def test_a_registry_that_was_closed_opens_no_engine(database: Database) -> None:
    """A start that goes on while another task stops the module: what it opened would not be closed."""
    registry = EngineRegistry({"main": database.settings()})
    await registry.close()

    with pytest.raises(DataModuleNotConfiguredError, match=NEW):
        await registry.warm_up("main")


async def test_a_start_that_was_overtaken_by_a_stop_says_so_and_may_be_tried_again(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"
    data = DataModule(settings=DataSettings(profiles={"main": DatabaseSettings(database_url=url, warm_up=True)}))
    starting = asyncio.create_task(data.start())
    while not data.pool_status().checked_out:
        await asyncio.sleep(0)
    await data.stop()

    with pytest.raises(DataModuleNotConfiguredError):
        await starting

    async with data, data.session() as session:
        assert await session.scalar(text("SELECT 1")) == 1
