"""One connection for a test: transactions take turns on it, and a wait for the same test is told (contract C13.2)."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.pool.errors import PoolExhausted
from myfy_data.engines.pool.loop_affinity import current_task
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.wait_queue import Wakeup
from myfy_data.errors import SessionError
from myfy_data.telemetry.places import users_place
from myfy_data.testing.running import FIX

PATIENCE = 5.0
"""Seconds that a transaction waits for another task's: then it is taken for one that never comes to its end."""


class TurnPool(BoundedPool):
    """A pool of the one connection that a test has.

    Attributes:
        refusal: makes the error of a transaction that waits for its own test.
    """

    refusal: Callable[[str, str], SessionError] = SessionError
    _task: weakref.ref[asyncio.Task[Any]] | None = None
    _place = ""

    def _do_get(self) -> ConnectionPoolEntry:
        record = super()._do_get()
        self._task, self._place = current_task(), users_place()
        return record

    def _wait(self) -> tuple[ConnectionPoolEntry | Wakeup, float]:
        if self._task is not None and self._task == current_task():
            raise self._overlap()
        try:
            return super()._wait()
        except PoolExhausted:
            raise self._overlap() from None

    def _overlap(self) -> SessionError:
        message = (
            f"a session is still in its transaction ({self._place}), and this test runs on one connection,"
            f" which another one waits for ({users_place()})\n"
            f"  fix: commit or end the first session before the second begins, or {FIX}"
        )
        return self.refusal(self.profile, message)
