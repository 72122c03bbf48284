"""Clean-up that a cancellation may delay but never abandon (contract C5.6).

A cancelled task must still roll back and give its connection back. The clean-up runs in a task of its own, and
the caller waits for it however often it is cancelled meanwhile. Every await inside has a deadline of its own
(contract C10), so the wait is bounded.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import TypeVar

from myfy_data.engines.pool.loop_affinity import context_for_current_task

T = TypeVar("T")


def start(coroutine: Coroutine[object, None, T]) -> asyncio.Task[T]:
    """Run a coroutine in a task of its own; from Python 3.12 on, what needs no waiting is done when this returns.

    It acts for the running task: on SQLite, what the one holds the other does not wait for.
    """
    try:
        loop, context = asyncio.get_running_loop(), context_for_current_task()
    except RuntimeError:  # trio's is none; the session's user was told
        coroutine.close()
        raise
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
    return loop.create_task(coroutine, context=context)


async def wait_until_done(
    task: asyncio.Task[object], patience: float | None = None, interrupts: Callable[[], bool] | None = None
) -> asyncio.CancelledError | None:
    """Wait for a task; the first cancellation meanwhile, or None.

    Not by `asyncio.shield`: a shield whose caller was cancelled reports the inner failure to the loop's exception
    handler, as if it were never retrieved.

    Args:
        task: the task to wait for.
        patience: seconds to go on waiting after the first cancellation; None for as long as it takes.
        interrupts: whether a cancellation from now on is the task's, too; without it, none ever is.
    """
    cancelled: asyncio.CancelledError | None = None
    deadline: float | None = None
    loop = asyncio.get_running_loop()
    while not task.done():
        remaining = None if deadline is None else deadline - loop.time()
        if remaining is not None and remaining <= 0:
            break
        try:
            await (_EndOf(task) if remaining is None else asyncio.wait([task], timeout=remaining))
        except asyncio.CancelledError as error:
            if cancelled is None and interrupts is not None and interrupts():
                task.cancel()
            cancelled = cancelled or error
            if deadline is None and patience is not None:
                deadline = loop.time() + patience
    return cancelled


class _EndOf:
    """Waits for a task as `asyncio.wait` does for several, in one turn of the loop less: each COMMIT comes this way.

    For the task that awaits it, it is a future (`asyncio.isfuture`), which has a result as soon as the other has ended.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_task", "_wake", "get_loop")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.get_loop = task.get_loop
        self._wake: Callable[[object], object] | None = None

    def __await__(self) -> Generator[_EndOf, None, None]:
        self._asyncio_future_blocking = True
        yield self

    def add_done_callback(self, wake: Callable[[object], object], *, context: contextvars.Context) -> None:
        """Remember who awaits."""
        self._wake, self._context = wake, context
        self._task.add_done_callback(self._tell, context=context)

    def cancel(self, msg: object = None) -> bool:
        """The awaiting task was cancelled, and this one goes on."""
        wake, self._wake = self._wake, None
        if wake is None:
            return False
        cancelled = self.get_loop().create_future()
        cancelled.cancel(msg)
        self.get_loop().call_soon(wake, cancelled, context=self._context)
        return True

    def result(self) -> None:
        """Nothing; the awaiting task looks at this one."""

    def _tell(self, _: asyncio.Task[object]) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake(self)


async def run_to_completion(coroutine: Coroutine[object, None, T]) -> T:
    """Run a coroutine to its end, then re-raise a cancellation that came meanwhile.

    Raises:
        asyncio.CancelledError: the caller was cancelled; a failure of the coroutine is noted on it.
        Exception: whatever the coroutine raised.
    """
    task = start(coroutine)
    cancelled = await wait_until_done(task)
    if cancelled is None:
        return task.result()
    if not task.cancelled() and (failure := task.exception()) is not None:
        cancelled.add_note(f"while this cancellation waited, the clean-up failed: {type(failure).__name__}")
    raise cancelled
