"""Requests cancelled at any moment leave nothing behind (contract C5.6).

A sample; `make faults` cancels 500 requests of each mode.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.databases import SERVERS, Database
from tests.faults.cancels import MODES, cancel

COUNT = 30


async def problems(database: Database, mode: str) -> list[str]:
    cancels = await cancel(database, mode, COUNT)
    cancels.look(await database.stored())
    assert len(cancels.cancelled | cancels.told_stored | cancels.done | cancels.unknown) >= COUNT
    return cancels.problems


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", SERVERS, indirect=True)
async def test_cancelled_requests_leave_nothing_behind(database: Database, mode: str) -> None:
    assert await problems(database, mode) == []


@pytest.mark.parametrize("mode", MODES)
async def test_on_sqlite_as_well(tmp_path: Path, mode: str) -> None:
    database = Database("sqlite", f"sqlite+aiosqlite:///{tmp_path / 'app.db'}")
    await database.create(create_async_engine(database.url, poolclass=NullPool))

    assert await problems(database, mode) == []
