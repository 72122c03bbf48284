"""How far the primary has come: asked once for all sessions that committed meanwhile (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

from myfy_data.engines.connect.position import Position

Answer = asyncio.Future[Position | None]
"""What the primary will have said; None where it said nothing."""


class PositionAsker:
    """Asks, one question at a time.

    Args:
        ask: asks the primary; never fails.
    """

    def __init__(self, ask: Callable[[], Awaitable[Position | None]]) -> None:
        self._ask = ask
        self._next: Answer | None = None
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> Answer:
        """The answer to the next question: what was committed before this call is in it.

        A question that is on its way may have been answered before that, so it does not do.
        """
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        if self._task is None or self._task.done():
            # Not in the context of the request that happens to be the first.
            self._task = loop.create_task(self._run(), context=contextvars.Context())
        return self._next

    async def _run(self) -> None:
        while self._next is not None:
            answer, self._next = self._next, None
            position = None
            try:
                position = await self._ask()
            finally:
                if not answer.done():
                    answer.set_result(position)

    async def stop(self) -> None:
        """Ask no more; who waits is told that nothing is known."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        answer, self._next = self._next, None
        if answer is not None and not answer.done():
            answer.set_result(None)
