"""The pool of a database in memory: its only connection is the database, and sessions take turns on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.pool.errors import SelfDeadlock
from myfy_data.engines.pool.loop_affinity import current_task
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.wait_queue import Wakeup

_WHAT = "this task waits for itself: a database in memory has one connection, and another session of this task holds it"


class MemoryPool(BoundedPool):
    """A pool of one connection, which tells a task at once that it holds what it waits for."""

    def _wait(self) -> tuple[ConnectionPoolEntry | Wakeup, float]:
        holder = self._checked_out.longest
        record = holder.record() if holder is not None else None
        driver: Any = record.driver_connection if record is not None else None
        task = current_task()
        if driver is not None and not driver.is_stopping and task is not None and driver.task == task:
            raise SelfDeadlock(self.profile, _WHAT)
        return super()._wait()
