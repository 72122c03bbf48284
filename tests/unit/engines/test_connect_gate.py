"""How many connections are opened at the same time, and what each waits for by chance (contract C11.3)."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data.engines.connect import connect_gate
from myfy_data.engines.connect.connect_gate import ConnectGate

TIMEOUT = 30.0


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for; chance says as long as may be."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(connect_gate.asyncio, "sleep", sleep)
    monkeypatch.setattr(connect_gate.random, "random", lambda: 1.0)
    return found


async def open_one(gate: ConnectGate, *, fails: bool = False, timeout: float = TIMEOUT) -> None:
    try:
        async with gate.turn(timeout):
            if fails:
                raise ConnectionError
    except ConnectionError:
        pass


async def test_nothing_waits_where_there_is_no_trouble(pauses: list[float]) -> None:
    gate = ConnectGate(4)
    await open_one(gate)
    await open_one(gate)

    assert pauses == []


async def test_each_failure_doubles_what_the_next_one_waits_up_to_a_bound(pauses: list[float]) -> None:
    gate = ConnectGate(4)
    for _ in range(6):
        await open_one(gate, fails=True)

    assert pauses == [0.1, 0.2, 0.4, 0.5, 0.5]


async def test_a_connection_that_is_made_ends_the_trouble(pauses: list[float]) -> None:
    gate = ConnectGate(4)
    await open_one(gate, fails=True)
    await open_one(gate)
    await open_one(gate)

    assert pauses == [0.1]


async def test_a_switch_is_trouble_before_anything_failed(pauses: list[float]) -> None:
    gate = ConnectGate(4)
    gate.expect_crowd()
    await open_one(gate)
    await open_one(gate)

    assert pauses == [0.1]


async def test_a_short_time_to_connect_is_not_spent_on_waiting(pauses: list[float]) -> None:
    gate = ConnectGate(4)
    for _ in range(6):
        await open_one(gate, fails=True, timeout=0.8)

    assert max(pauses) == 0.2


async def test_a_cancelled_connection_is_trouble_as_well(pauses: list[float]) -> None:
    """So ends one whose time is up."""
    gate = ConnectGate(4)
    with pytest.raises(asyncio.CancelledError):
        async with gate.turn(TIMEOUT):
            raise asyncio.CancelledError
    await open_one(gate)

    assert pauses == [0.1]


async def test_chance_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = ConnectGate(4)
    gate.expect_crowd()

    assert len({gate.pause(TIMEOUT) for _ in range(20)}) > 1
    assert all(0 <= gate.pause(TIMEOUT) <= 0.1 for _ in range(20))
