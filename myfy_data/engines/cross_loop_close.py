"""Closing an engine whose event loop runs in another thread (contract C4).

That loop does it; it may be blocked, though, and wait for us: a test that runs an application in a thread, as
Starlette's `TestClient` and Litestar's `AsyncTestClient` do, blocks its own loop until the application has stopped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future

from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.factory import OpenEngine

logger: logging.Logger = logging.getLogger("myfy_data")

_PATIENCE = 1.0
"""Seconds that a loop has to take up the closing; one that is blocked for longer may wait for us."""

_LOOK_AGAIN = 0.01
"""Seconds between two looks. A future of two loops would be cancelled in both, and the closing never done."""

_BLOCKED = (
    "profile %r: the event loop that opened its engine is blocked: connections to a server were cut off, and the loop"
    " closes the engine when it goes on\n"
    "  fix: await data.stop() in that loop, or run the application in it (httpx.ASGITransport does, in tests)"
)


async def close_in_its_loop(opened: OpenEngine | OpenCluster, loop: asyncio.AbstractEventLoop) -> None:
    """Have a running loop close its engine, within `close_timeout`; cut its connections off when it does not."""
    closing = _hand_over(opened, loop)
    patience = opened.settings.close_timeout
    taken = await _comes_true(lambda: closing.running() or closing.done(), min(_PATIENCE, patience))
    if taken and await _comes_true(closing.done, patience + _PATIENCE):
        closing.result()
    else:
        opened.shutdown_sockets()
        logger.warning(_BLOCKED, opened.profile)


def _hand_over(opened: OpenEngine | OpenCluster, loop: asyncio.AbstractEventLoop) -> Future[None]:
    closing: Future[None] = Future()

    def begin() -> None:
        closing.set_running_or_notify_cancel()
        task = loop.create_task(opened.close())
        task.add_done_callback(end)

    def end(task: asyncio.Task[None]) -> None:
        failure = asyncio.CancelledError() if task.cancelled() else task.exception()
        if failure is not None:
            closing.set_exception(failure)
        else:
            closing.set_result(None)

    loop.call_soon_threadsafe(begin)
    return closing


async def _comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - no event of asyncio is of two loops
        await asyncio.sleep(_LOOK_AGAIN)
    return condition()
