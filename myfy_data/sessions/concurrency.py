"""A session's user now: one task at a time, in one event loop and process, until its end (C4, C5.9)."""

from __future__ import annotations

import asyncio
import itertools
import os

from myfy_data.engines.pool.loop_affinity import require_loop, running_loop
from myfy_data.errors import ConcurrentSessionError, SessionError, WrongEventLoopError

_ONE_PER_TASK = (
    "  fix: give each task a session of its own: `async with factory.session_context() as session:` inside the task"
)
_FRESH = "  fix: open a new one where it is needed: `async with factory.session_context() as session:`"
AFTER_END = f"the session was used after its end\n{_FRESH}"

_clock = itertools.count()
"""Puts the first uses of all sessions in order; several profiles commit in that order (contract C5.7)."""


class SessionGuard:
    """Keeps the use of one session honest; costs a comparison or two per call.

    Args:
        profile: the profile's name, for messages.
        patience: seconds that the end of a session waits for another task's operation.

    Attributes:
        ended: whether the session has ended for good.
        after_end: what a use after the end is told.
        first: when it was first used, on a clock that all sessions share; None before.
    """

    __slots__ = ("_loop", "_patience", "_pid", "_profile", "_task", "_waiting", "after_end", "ended", "first")

    def __init__(self, profile: str, patience: float) -> None:
        self._profile = profile
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._task: asyncio.Task[object] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self.ended: bool = False
        self.after_end = AFTER_END
        self.first: int | None = None

    def check_open(self) -> None:
        """Note a use of the session; refuse any after the end.

        Raises:
            SessionError: the session has ended.
        """
        if self.ended:
            raise SessionError(self._profile, self.after_end)
        if self.first is None:
            self.first = next(_clock)

    def check_place(self) -> None:
        """Pin the session to the running loop and process at its first use; refuse any other afterwards.

        Raises:
            WrongEventLoopError: the session began in another event loop or process, or no loop of asyncio runs.
        """
        loop = running_loop() or require_loop(self._profile)
        if self._loop is None:
            self._loop, self._pid = loop, os.getpid()
        elif self._pid != os.getpid():
            raise WrongEventLoopError(self._profile, f"the session was carried into another process\n{_FRESH}")
        elif self._loop is not loop:
            raise WrongEventLoopError(self._profile, f"the session was carried to another event loop\n{_FRESH}")

    def enter(self) -> bool:
        """Take the session for the running task; whether this call took it (a nested call of the same task has not).

        Raises:
            SessionError: the session has ended.
            WrongEventLoopError: the session began in another loop or process.
            ConcurrentSessionError: another task is using it.
        """
        if self.ended or self.first is None:
            self.check_open()
        try:
            is_elsewhere = self._loop is not asyncio.get_running_loop() or self._pid != os.getpid()
        except RuntimeError:  # no loop of asyncio, as under trio: `check_place` says so
            is_elsewhere = True
        if is_elsewhere:
            self.check_place()
        task = asyncio.current_task()
        if self._task is None:
            self._task = task
            return True
        if self._task is task:
            return False
        raise ConcurrentSessionError(self._profile, f"two tasks use one session at the same time\n{_ONE_PER_TASK}")

    def leave(self) -> None:
        """Give the session back."""
        self._task = None
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def enter_last(self) -> None:
        """Take the session for its clean-up, waiting for an operation that another task still has under way.

        Raises:
            WrongEventLoopError: the session began in another loop or process.
            ConcurrentSessionError: the operation did not end within `patience`.
        """
        self.check_place()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while self._is_taken():
            if loop.time() >= deadline:
                raise ConcurrentSessionError(
                    self._profile, f"another task's operation does not end, so nothing was rolled back\n{_ONE_PER_TASK}"
                )
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.append(future)
            await asyncio.wait([future], timeout=deadline - loop.time())
        self._task = asyncio.current_task()

    def _is_taken(self) -> bool:
        return self._task is not None
