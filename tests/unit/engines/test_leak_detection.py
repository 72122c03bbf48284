"""The holders of connections: what `PoolExhausted` tells of them, and the warning about those that do not come back."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.engines.pool import leak_detection
from myfy_data.engines.pool.errors import PoolExhausted, WriterQueueTimeout
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE

FULL = PoolStatus("main", size=5, checked_in=0, checked_out=15, overflow=10, waiting=3)


def registry(tmp_path: Path, **settings: object) -> EngineRegistry:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    return EngineRegistry(
        {"main": DatabaseSettings(database_url=url, pool_size=1, max_overflow=0, pool_timeout=0.01, **settings)}
    )


async def forget_to_close(engines: EngineRegistry) -> AsyncConnection:
    return await engines.get("main").connect()


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


class Said(logging.Handler):
    """Sets an event when a message that holds certain words is logged."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words, self.event = words, asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.event.set()


@asynccontextmanager
async def until_said(words: str) -> AsyncIterator[None]:
    """After the block, wait until it has been said since the block began."""
    said = Said(words)
    leak_detection.logger.addHandler(said)
    try:
        yield
        async with asyncio.timeout(PATIENCE):
            await said.event.wait()
    finally:
        leak_detection.logger.removeHandler(said)


def test_an_exhausted_pool_is_also_sqlalchemys_time_out() -> None:
    error = PoolExhausted(FULL, 10, 30.0)

    assert isinstance(error, DataModuleError)
    assert isinstance(error, SQLAlchemyTimeoutError)
    assert "profile 'main': no connection became free within 30.0 s" in str(error)
    assert "(pool_size=5 max_overflow=10 checked_out=15 waiting=3)" in str(error)


def test_an_exhausted_pool_tells_its_numbers() -> None:
    error = PoolExhausted(FULL, -1, 30.0)

    numbers = (error.profile, error.size, error.max_overflow, error.overflow, error.checked_out, error.waiting)
    assert numbers == ("main", 5, -1, 10, 15, 3)
    assert (error.waited, error.longest_held, error.checked_out_at) == (30.0, None, "")


def test_a_writer_that_waited_in_vain_is_told_about_sqlite() -> None:
    error = WriterQueueTimeout("main", waited=5.0)

    assert isinstance(error, PoolExhausted)
    assert "no turn to write within 5.0 s: SQLite lets one transaction write at a time" in str(error)


async def test_an_exhausted_pool_tells_how_long_the_longest_holder_has_held(tmp_path: Path) -> None:
    engines = registry(tmp_path)
    began = time.monotonic()
    connection = await forget_to_close(engines)
    pool = engines.get("main").pool
    pool.longest_checkout.since -= 45  # type: ignore[attr-defined]  # a BoundedPool

    with pytest.raises(PoolExhausted, match=r"; one is in use for \d+\.\d s\n  fix: ") as caught:
        await engines.get("main").connect()

    assert caught.value.longest_held is not None
    assert 45 <= caught.value.longest_held <= 45 + time.monotonic() - began
    assert caught.value.checked_out_at == ""
    assert "pool_leak_detection_threshold = 30 in [data.profiles.main] tells who holds them" in str(caught.value)
    await connection.close()
    await engines.close()


async def test_an_exhausted_pool_tells_where_the_connection_was_checked_out(tmp_path: Path) -> None:
    engines = registry(tmp_path, pool_leak_detection_threshold=100.0)
    connection = await forget_to_close(engines)

    with pytest.raises(PoolExhausted, match="checked out at\n") as caught:
        await engines.get("main").connect()

    assert caught.value.checked_out_at.endswith("in forget_to_close")
    assert f'File "{__file__}"' in caught.value.checked_out_at
    assert "tells who holds them" not in str(caught.value)
    await connection.close()
    await engines.close()


async def test_the_oldest_of_several_holders_is_the_longest(tmp_path: Path) -> None:
    engines = EngineRegistry({"main": DatabaseSettings(database_url=f"sqlite:///{tmp_path / 'app.db'}")})
    engine = engines.get("main")
    first, second, third = [await engine.connect() for _ in range(3)]
    pool: Any = engine.pool
    await first.close()

    assert len(pool.checked_out()) == 2
    assert pool.longest_checkout.record() is (await second.get_raw_connection())._connection_record  # type: ignore[attr-defined]  # SQLAlchemy's
    for connection in (second, third):
        await connection.close()
    assert pool.longest_checkout is None
    await engines.close()


async def test_a_connection_held_for_too_long_is_reported_with_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "myfy_data")
    engines = registry(tmp_path, pool_leak_detection_threshold=0.01)

    async with until_said("in use for more than 0.01 s (pool_leak_detection_threshold)"):
        connection = await forget_to_close(engines)

    (message,) = warnings_in(caplog)
    assert message.startswith("profile 'main': a connection is in use")
    assert message.splitlines()[-1].endswith("in forget_to_close")
    await connection.close()
    assert "came back after" in caplog.records[-1].getMessage()
    await engines.close()


async def test_a_connection_that_comes_back_in_time_is_not_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engines = registry(tmp_path, pool_leak_detection_threshold=100.0)
    connection = await forget_to_close(engines)
    pool: Any = engines.get("main").pool
    timer = pool.longest_checkout.timer

    await connection.close()

    assert timer.cancelled()
    assert warnings_in(caplog) == []
    await engines.close()


async def test_a_leaked_entry_that_is_collected_is_not_reported_any_more(tmp_path: Path) -> None:
    engines = registry(tmp_path, pool_leak_detection_threshold=100.0)
    async with engines.get("main").connect():
        pool: Any = engines.get("main").pool
        checkout = pool.longest_checkout
        checkout.record.__callback__(checkout.record)  # what the garbage collector calls

        assert checkout.timer.cancelled()
        assert pool.checked_out() == []
    await engines.close()


async def test_no_stack_is_taken_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leak_detection, "capture_stack", lambda: pytest.fail("a stack was taken"))
    engines = registry(tmp_path)

    connection = await forget_to_close(engines)

    assert engines.get("main").pool.longest_checkout.timer is None  # type: ignore[attr-defined]  # a BoundedPool
    await connection.close()
    await engines.close()


async def test_the_stack_keeps_no_variable_alive(tmp_path: Path) -> None:
    engines = registry(tmp_path, pool_leak_detection_threshold=100.0)

    class Big:
        """Something that a function of the user holds."""

    async def borrow() -> AsyncConnection:
        _big = Big()
        return await forget_to_close(engines)

    connection = await borrow()
    gc.collect()

    assert not any(isinstance(thing, Big) for thing in gc.get_objects())
    await connection.close()
    await engines.close()


async def test_the_threshold_outlives_the_disposal_of_the_engine(tmp_path: Path) -> None:
    engines = registry(tmp_path, pool_leak_detection_threshold=100.0)
    await engines.get("main").dispose()

    connection = await forget_to_close(engines)

    assert engines.get("main").pool.longest_checkout.place.endswith("in forget_to_close")  # type: ignore[attr-defined]  # a BoundedPool
    await connection.close()
    await engines.close()
