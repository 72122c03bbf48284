"""A task that waits for the connection of a database in memory which it holds itself is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.pool.errors import SelfDeadlock


async def _by_session(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("SELECT 1"))


async def _by_reader(data: DataModule) -> None:
    async with data.session(read_only=True) as session:
        await session.execute(text("SELECT 1"))


async def _by_connection(data: DataModule) -> None:
    async with data.get_engine().begin():
        pass


async def _by_raw_connection(data: DataModule) -> None:
    (await data.get_engine().raw_connection()).close()


@pytest.mark.parametrize("ask", [_by_session, _by_reader, _by_connection, _by_raw_connection])
async def test_a_task_that_holds_the_connection_of_a_database_in_memory_is_told_at_once(
    ask: Callable[[DataModule], Awaitable[None]],
) -> None:
    async with DataModule(settings=DatabaseSettings(database_url="sqlite://")) as data:
        async with data.session() as outer:
            await outer.execute(text("SELECT 1"))
            with pytest.raises(SelfDeadlock, match="in memory"):
                await ask(data)
        await ask(data)


async def test_another_task_waits_for_the_connection_of_a_database_in_memory() -> None:
    async with DataModule(settings=DatabaseSettings(database_url="sqlite://")) as data:
        async with data.session() as outer:
            await outer.execute(text("SELECT 1"))
            other = asyncio.create_task(_by_session(data))
            while data.pool_status().waiting == 0:
                await asyncio.sleep(0)
        await other
