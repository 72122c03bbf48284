"""Connections that were opened together do not end together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.factory import open_engine_handle
from myfy_data.engines.listeners import recycle_jitter
from myfy_data.settings.database_settings import DatabaseSettings

RECYCLE = 1000
DRAWS = [0.0, 0.01, 0.02, 0.025]
"""What the random source gives to the first connections; more of the last one after that."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still until a test moves `now`."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(recycle_jitter, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Stubs the random source, and notes between which bounds it was asked."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return DRAWS[min(len(asked), len(DRAWS)) - 1]

    monkeypatch.setattr(recycle_jitter, "uniform", uniform)
    return asked


Open = Callable[..., AsyncEngine]


@pytest.fixture
async def open_pool(tmp_path: Path) -> AsyncIterator[Open]:
    opened = []

    def open_pool(**settings: Any) -> AsyncEngine:
        values = {"database_url": f"sqlite:///{tmp_path}/app.db", "pool_size": len(DRAWS)} | settings
        opened.append(open_engine_handle("main", DatabaseSettings(**values)))
        return opened[-1].engine

    yield open_pool
    for one in opened:
        await one.close()


async def connections(engine: AsyncEngine) -> list[object]:
    """The driver's connections that the pool hands out, all of them at once."""
    taken: list[AsyncConnection] = [await engine.connect() for _ in DRAWS]
    found = [(await one.get_raw_connection()).driver_connection for one in taken]
    for one in taken:
        await one.close()
    return found


@pytest.mark.parametrize(("now", "left"), [(974, 4), (975, 3), (980, 2), (990, 1), (999, 1), (1000, 0)], ids=str)
async def test_they_are_replaced_one_after_the_other(
    open_pool: Open, clock: SimpleNamespace, bounds: list[tuple[float, float]], now: int, left: int
) -> None:
    engine = open_pool(pool_recycle=RECYCLE)
    before = await connections(engine)
    clock.now = float(now)

    after = await connections(engine)

    assert len(set(before) & set(after)) == left
    assert set(bounds) == {(0, 0.025)}


async def test_a_connection_that_was_replaced_lives_anew(
    open_pool: Open, clock: SimpleNamespace, bounds: list[tuple[float, float]]
) -> None:
    engine = open_pool(pool_recycle=RECYCLE)
    await connections(engine)
    clock.now = float(RECYCLE)
    renewed = await connections(engine)
    clock.now += RECYCLE * 0.97

    assert set(await connections(engine)) == set(renewed)
    assert len(bounds) == 2 * len(DRAWS)


@pytest.mark.parametrize("settings", [{"pool_recycle": -1}, {"database_url": "sqlite://"}], ids=["never", "memory"])
async def test_what_lives_forever_is_never_replaced(
    open_pool: Open, clock: SimpleNamespace, bounds: list[tuple[float, float]], settings: dict[str, Any]
) -> None:
    engine = open_pool(**settings)
    async with engine.connect() as connection:
        before = (await connection.get_raw_connection()).driver_connection
    clock.now = 1e9
    async with engine.connect() as connection:
        after = (await connection.get_raw_connection()).driver_connection

    assert after is before
