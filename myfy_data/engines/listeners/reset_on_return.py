"""`pool_reset_on_return = "discard"`: a connection comes back to the pool as if it had just been opened (ADR 16).

SQLAlchemy's own ways of resetting end the transaction and leave the session's state alone: settings, temporary
tables, prepared statements, variables and advisory locks of one request meet the next one.
"""

from __future__ import annotations

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from myfy_data.engines.connect.backend import AnyBackend


def attach_reset_on_return(engine: Engine, backend: AnyBackend) -> None:
    """Make an engine's connections forget their state when they come back, if the profile says so."""
    if not backend.settings.discards_state:
        return

    def reset(dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, state: PoolResetState) -> None:
        if state.asyncio_safe and not state.terminate_only:
            backend.discard_state(engine, dbapi_connection)

    event.listen(engine, "reset", reset)
