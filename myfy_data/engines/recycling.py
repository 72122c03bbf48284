"""`pool_recycle` with jitter: connections that were opened together are not replaced together (ADR 19).

A pool that was filled in one storm, at start or after a failover, would repeat that storm at every end of its
connections' life. SQLAlchemy's own check stays behind this one, and never finds anything.
"""

from __future__ import annotations

import time
from random import uniform
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.settings.models import DatabaseSettings

SPREAD = 0.025
"""The part of `pool_recycle` by which a connection may be replaced early. Never late: a firewall may count on it."""

_DUE = "myfy_recycle_due"


def spread_recycling(engine: Engine, settings: DatabaseSettings) -> None:
    """Give each connection of an engine a life of its own, up to 2.5 % shorter than `pool_recycle`."""
    life = settings.pool_recycle
    if life <= 0 or settings.url.is_memory:
        return

    def note_birth(_dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        early = uniform(0, SPREAD)  # noqa: S311 - no secret depends on it
        record.info[_DUE] = time.monotonic() + life * (1 - early)

    def check_age(_dbapi_connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() >= record.info[_DUE]:
            raise DisconnectionError("the connection is as old as pool_recycle allows")  # the pool opens another one

    event.listen(engine, "connect", note_birth)
    event.listen(engine, "checkout", check_age)
