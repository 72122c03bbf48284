"""Closing ends with its time, whatever the driver does, and leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from myfy_data.engines.factory import OpenEngine, open_engine_handle
from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE


class Connection:
    """A driver connection that closes as a test says."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self.close = close
        self.aborted = False


async def hang() -> None:
    await asyncio.sleep(60)


async def fail() -> None:
    raise ConnectionResetError


async def end_well() -> None:
    pass


def opened(monkeypatch: pytest.MonkeyPatch, *connections: Connection) -> OpenEngine:
    """An engine with these connections."""
    opened = open_engine_handle("main", DatabaseSettings(database_url="postgresql://db/main", close_timeout=0.05))
    give(monkeypatch, opened, connections)
    return opened


def give(monkeypatch: pytest.MonkeyPatch, opened: OpenEngine, connections: tuple[Connection, ...]) -> None:
    backend: Any = opened.backend
    backend.connections.update(connections)
    monkeypatch.setattr(backend, "close", lambda connection: connection.close())
    monkeypatch.setattr(backend, "abort", lambda connection: setattr(connection, "aborted", True))


async def test_a_driver_that_hangs_is_aborted_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(hang)

    async with asyncio.timeout(PATIENCE):
        await opened(monkeypatch, connection).close()

    assert connection.aborted


async def test_a_driver_that_fails_does_not_fail_the_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(fail)

    await opened(monkeypatch, connection).close()

    assert connection.aborted


async def test_a_closing_that_is_cancelled_still_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(hang)
    closing = asyncio.create_task(opened(monkeypatch, connection).close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])

    assert closing.cancelled()
    assert connection.aborted


async def test_engines_are_closed_in_the_reverse_order_of_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    registry = EngineRegistry({name: DatabaseSettings(database_url="postgresql://db/main") for name in "abc"})

    def noting(name: str) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            order.append(name)

        return close

    connections = {name: Connection(noting(name)) for name in "cab"}
    for name, connection in connections.items():
        registry.get(name)
        give(monkeypatch, registry.engines_of(name)[0], (connection,))

    await registry.close()

    assert order == ["b", "a", "c"]


async def test_an_engine_that_cannot_be_closed_does_not_keep_the_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = EngineRegistry({name: DatabaseSettings(database_url="postgresql://db/main") for name in "abc"})
    connections = {name: Connection(end_well) for name in "abc"}
    for name, connection in connections.items():
        registry.get(name)
        give(monkeypatch, registry.engines_of(name)[0], (connection,))

    def refuse(_connection: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(registry.engines_of("b")[0].backend, "abort", refuse)

    with pytest.raises(RuntimeError, match="no"):
        await registry.close()

    assert connections["a"].aborted
    assert connections["c"].aborted
