"""Connections that are too old are replaced between two uses: by `pool_recycle`, or as their credentials say.

`pool_recycle` has jitter: connections that were opened together are not replaced together (ADR 19).

A pool that was filled in one storm, at start or after a failover, would repeat that storm at every end of its
connections' life. SQLAlchemy's own check stays behind this one, and never finds anything.
"""

from __future__ import annotations

import time
from math import inf
from random import uniform

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.connect.backend import AnyBackend

SPREAD = 0.025
"""The part of `pool_recycle` by which a connection may be replaced early. Never late: a firewall may count on it."""

_BIRTH = "myfy_birth"
_IS_NEW = "myfy_is_new"


def attach_recycle_jitter(engine: Engine, backend: AnyBackend) -> None:
    """Give each connection of an engine a life of its own, up to 2.5 % shorter than `pool_recycle`.

    It ends sooner where `max_connection_age` of its credentials says so, and never while the connection is in use.
    """
    if backend.settings.url.is_memory:
        return

    def note_birth(_dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        late = 1 - uniform(0, SPREAD)  # noqa: S311 - no secret depends on it
        record.info[_BIRTH] = (time.monotonic(), late, backend.retire_at.get(record.driver_connection, inf))
        record.info[_IS_NEW] = True

    def check_age(_dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.pop(_IS_NEW, False):
            return  # whatever its age: there is none younger
        born, late, retire_at = record.info[_BIRTH]
        recycle = backend.settings.pool_recycle  # as it is now: a reload may have changed it
        life = recycle * late if recycle > 0 else inf
        now = time.monotonic()
        if now >= born + life or now >= retire_at:
            raise DisconnectionError("the connection is as old as it may become")  # the pool opens another one

    event.listen(engine, "connect", note_birth)
    event.listen(engine, "checkout", check_age)
