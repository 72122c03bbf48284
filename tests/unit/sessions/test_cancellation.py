"""Clean-up is delayed by a cancellation, never abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
import pytest

from myfy_data.sessions.cancellation import run_to_completion, wait_until_done


class CleanUp:
    """A clean-up that waits until it is let go."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.done = False
        self.failure = failure

    async def run(self) -> str:
        self.begun.set()
        await self.let_go.wait()
        self.done = True
        if self.failure:
            raise self.failure
        return "clean"


async def let_go_once(is_late: Callable[[], bool], clean_up: CleanUp) -> None:
    """Let it go when the time is up, and the cancellation had several turns of the loop to arrive."""
    while not is_late():
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    clean_up.let_go.set()


async def test_the_result_comes_back() -> None:
    clean_up = CleanUp()
    clean_up.let_go.set()

    assert await run_to_completion(clean_up.run()) == "clean"


async def test_its_own_failure_comes_back() -> None:
    clean_up = CleanUp(ValueError("broken"))
    clean_up.let_go.set()

    with pytest.raises(ValueError, match="broken"):
        await run_to_completion(clean_up.run())


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancellation_waits_for_the_end(times: int) -> None:
    clean_up = CleanUp()
    task = asyncio.create_task(run_to_completion(clean_up.run()))
    await clean_up.begun.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    clean_up.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert clean_up.done


async def test_a_failure_behind_a_cancellation_is_noted_on_it() -> None:
    clean_up = CleanUp(ValueError("secret"))
    task = asyncio.create_task(run_to_completion(clean_up.run()))
    await clean_up.begun.wait()
    task.cancel()
    clean_up.let_go.set()

    with pytest.raises(asyncio.CancelledError) as caught:
        await task

    assert caught.value.__notes__ == ["while this cancellation waited, the clean-up failed: ValueError"]


async def test_a_deadline_of_asyncio_still_becomes_a_time_out() -> None:
    clean_up = CleanUp()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01) as limit:
            letting_go = asyncio.create_task(let_go_once(limit.expired, clean_up))
            await run_to_completion(clean_up.run())

    await letting_go
    assert clean_up.done


async def test_an_anyio_scope_that_cancels_again_and_again_waits_as_well() -> None:
    clean_up = CleanUp()

    with anyio.move_on_after(0.01) as scope:
        letting_go = asyncio.create_task(let_go_once(lambda: scope.cancel_called, clean_up))
        await run_to_completion(clean_up.run())

    await letting_go
    assert (scope.cancelled_caught, clean_up.done) == (True, True)


async def test_patience_ends_the_wait_after_a_cancellation() -> None:
    clean_up = CleanUp()
    inner = asyncio.create_task(clean_up.run())
    outer = asyncio.create_task(wait_until_done(inner, patience=0.01))
    await clean_up.begun.wait()
    outer.cancel()

    cancelled = await outer

    assert isinstance(cancelled, asyncio.CancelledError)
    assert not inner.done()
    clean_up.let_go.set()
    await inner


async def test_patience_does_not_run_without_a_cancellation() -> None:
    clean_up = CleanUp()
    inner = asyncio.create_task(clean_up.run())
    asyncio.get_running_loop().call_later(0.05, clean_up.let_go.set)

    assert await wait_until_done(inner, patience=0.0) is None
    assert inner.done()


async def test_a_task_that_may_be_interrupted_hears_of_the_first_cancellation_only() -> None:
    clean_up = CleanUp()
    inner = asyncio.create_task(clean_up.run())
    outer = asyncio.create_task(wait_until_done(inner, interrupts=lambda: True))
    await clean_up.begun.wait()
    outer.cancel()
    await asyncio.sleep(0)
    outer.cancel()

    assert isinstance(await outer, asyncio.CancelledError)
    assert (inner.cancelled(), inner.cancelling()) == (True, 1)


async def test_a_task_that_may_not_be_interrupted_now_hears_of_none() -> None:
    clean_up = CleanUp()
    inner = asyncio.create_task(clean_up.run())
    outer = asyncio.create_task(wait_until_done(inner, interrupts=lambda: False))
    await clean_up.begun.wait()
    outer.cancel()
    clean_up.let_go.set()

    assert isinstance(await outer, asyncio.CancelledError)
    assert inner.cancelling() == 0
