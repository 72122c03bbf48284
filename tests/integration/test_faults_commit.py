"""A fault at COMMIT: the caller hears that the outcome is unknown, and nothing is sent again (contract C5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from myfy_data import CommitOutcomeUnknown, DataModule
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import SERVERS, Database
from tests.faults import Fault, FaultProxy, commit, fault_proxy
from tests.faults.cases import module

pytestmark = pytest.mark.parametrize("database", SERVERS, indirect=True)

FAULTS = {
    Fault.RESET: 0,
    Fault.HALF_CLOSE: 0,
    Fault.BLACK_HOLE: 0,
    Fault.CUT: 1,
    Fault.LOSE_REPLY: 1,
    Fault.LOSE_REPLY_AND_CLOSE: 1,
}
"""Each fault, and whether the server did what the caller cannot know."""

Stage = tuple[FaultProxy, DataModule]


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    """A proxy, and a module that reaches the server through it."""
    async with fault_proxy(database.url) as (proxy, through), module(through, PATIENCE) as data:
        yield proxy, data


async def store(data: DataModule, database: Database, note: str) -> None:
    async with data.session() as session:
        await session.execute(database.note(note))


def commits(proxy: FaultProxy) -> int:
    """How often a COMMIT was sent."""
    return sum(commit(message) for message in proxy.messages)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_commit_is_unknown_and_not_sent_again(stage: Stage, database: Database, fault: Fault) -> None:
    proxy, data = stage
    proxy.arm(fault, when=commit, nth=2, then=deadline_of(PATIENCE))
    await store(data, database, "before")

    with pytest.raises(CommitOutcomeUnknown):
        await store(data, database, "unknown")

    assert commits(proxy) == 2
    assert data.pool_status().checked_out == 0
    assert ("unknown" in await database.stored()) == FAULTS[fault]


@pytest.mark.parametrize("fault", [Fault.BLACK_HOLE, Fault.LOSE_REPLY])
async def test_a_cancelled_commit_without_an_answer_is_unknown(stage: Stage, database: Database, fault: Fault) -> None:
    proxy, data = stage
    lost = asyncio.Event()
    proxy.arm(fault, when=commit, then=lost.set)
    run_out = deadline_of(PATIENCE)
    task = asyncio.create_task(store(data, database, "unknown"))
    await lost.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(run_out)

    with pytest.raises(CommitOutcomeUnknown) as caught:
        await task

    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert (commits(proxy), data.pool_status().checked_out) == (1, 0)
    assert ("unknown" in await database.stored()) == FAULTS[fault]


async def test_the_request_after_an_unknown_commit_is_fine(stage: Stage, database: Database) -> None:
    proxy, data = stage
    proxy.arm(Fault.BLACK_HOLE, when=commit, everywhere=True, then=deadline_of(PATIENCE))
    with pytest.raises(CommitOutcomeUnknown):
        await store(data, database, "unknown")
    proxy.heal()

    await store(data, database, "after")

    assert await database.stored() == ["after"]
