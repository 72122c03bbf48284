"""Faults of the network that a test provokes (contract C13.3)."""

from __future__ import annotations

import pytest

from tests.kit.conftest import Server
from tests.kit.project import KitProject

FAULTS = """
from myfy_data import CommitOutcomeUnknown, ConfigError, DatabaseTimeoutError

own = pytest.mark.data(isolation="database")


@own
async def test_a_lost_answer(data):
    await store("before")
    with data.faults() as faults:
        faults.at("COMMIT", "lose_answer")
        with pytest.raises(CommitOutcomeUnknown):
            await store("a")
    assert await names() == ["a", "before"]


@own
async def test_a_reset(data):
    with data.faults() as faults:
        faults.at("COMMIT", "reset")
        with pytest.raises(CommitOutcomeUnknown):
            await store("a")
        await store("b")
    assert await names() == ["b"]


@own
async def test_a_black_hole(data):
    with data.faults() as faults:
        faults.at("INSERT INTO items", "black_hole")
        with pytest.raises(DatabaseTimeoutError):
            await store("a")
    assert await names() == []


@own
async def test_a_delay(data):
    with data.faults() as faults:
        faults.at("COMMIT", "delay", seconds=0.05)
        await store("a")
    assert await names() == ["a"]


@own
async def test_that_does_not_fire(data):
    with data.faults() as faults:
        faults.at("DELETE", "reset")
        await names()


@pytest.mark.data(isolation="transaction")
async def test_in_a_transaction(data):
    with pytest.raises(ConfigError, match='isolation="database"'):
        data.faults()
"""


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_the_network_fails_where_the_test_says(
    kit_project: KitProject, kind: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    kit_project.profile(server.url(), more="command_timeout = 8.0")
    result = kit_project.run(FAULTS)
    assert {test for test, outcome in result.outcomes.items() if outcome != "passed"} == {"test_that_does_not_fire"}, (
        result.output
    )
    assert 'these faults did not fire: at("DELETE", "reset")' in result.told("test_that_does_not_fire")
    assert len(result.outcomes) == 6
