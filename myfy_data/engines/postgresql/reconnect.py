"""A pooled connection proves itself by its first use, and is replaced unseen when it fails (contract C10, ADR 0011).

The pool checks a connection that was idle for long. One that was used a moment ago may have died since, with the news
still on the way. Its first message of a unit of work is BEGIN, a plain SELECT, or a ping: sent again on another
connection, none does harm. So no request pays a round trip for the check, and none sees the failure. The objects stay,
SQLAlchemy's and asyncpg's alike: a caller that holds one goes on with it.
"""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from myfy_data.engines.connect.backend import Backend
from myfy_data.engines.postgresql.driver_connection import DriverConnection
from myfy_data.engines.postgresql.message_gate import Line
from myfy_data.errors import DatabaseConnectionError

_MOVED = ("_protocol", "_transport", "_addr", "_params", "_server_version", "_server_caps", "_intro_query")
"""What an asyncpg connection knows of its server."""


class OptimisticReconnect:
    """Replaces the transport below a connection that turns out to be dead.

    Args:
        engine: whose pool opens the new one, as it opens every other: listeners hear of it.
        backend: its database, which knows whether there are other servers to go to.
    """

    def __init__(self, engine: Engine, backend: Backend[DriverConnection]) -> None:
        self._engine = engine
        self._backend = backend

    def mark_unverified(self, adapter: Any, record: ConnectionPoolEntry) -> None:
        """Note that a connection came out of the pool without having been asked anything."""
        adapter.gate.reconnect = functools.partial(self._reconnect, adapter, record)

    async def _reconnect(self, adapter: Any, record: ConnectionPoolEntry) -> Line:
        try:
            fresh = await greenlet_spawn(self._engine.pool._invoke_creator, record)  # noqa: SLF001 - listeners included
        except DatabaseConnectionError as error:
            if self._backend.gate is None:
                raise
            from asyncpg import ConnectionDoesNotExistError  # noqa: PLC0415 - the driver may be absent until it is used

            raise ConnectionDoesNotExistError(_LEFT) from error  # a lost connection, as for every other statement
        gate, transaction = adapter.gate, adapter.gate.transaction
        _move_transport(fresh.driver_connection, adapter.driver_connection)
        line: Line = adapter.driver_connection._protocol  # noqa: SLF001 - asyncpg has no public name for it
        line.gate.begin = None  # listeners for `connect` set it up outside of any transaction
        adapter.gate = line.gate
        await greenlet_spawn(self._greet, adapter, record)
        gate.level, gate.is_read_only = line.gate.level, line.gate.is_read_only
        opened: Any = line.gate.transaction  # left open by a listener it is the session's, as on every new connection
        adapter.gate = line.gate = gate
        gate.transaction = opened or transaction
        adapter.hold(gate.transaction)
        adapter.driver_connection._top_xact = gate.transaction  # noqa: SLF001 - as above
        if opened is not None:
            opened._gate = gate  # noqa: SLF001 - as if it were a method
        return line

    def _greet(self, adapter: Any, record: ConnectionPoolEntry) -> None:
        """Tell the listeners of the pool of a new connection, SQLAlchemy's own among them."""
        given = adapter.isolation_level, adapter._isolation_setting, adapter.readonly, adapter.deferrable  # noqa: SLF001 - the adapter's own
        mutex, cache = adapter._execute_mutex, adapter._prepared_statement_cache  # noqa: SLF001 - as above
        adapter.isolation_level = adapter._isolation_setting = None  # noqa: SLF001 - as above
        adapter.readonly = adapter.deferrable = False
        adapter._execute_mutex = asyncio.Lock()  # noqa: SLF001 - the statement that found out holds the other
        adapter._invalidate_schema_cache_asof = time.time()  # noqa: SLF001 - as above
        adapter.hold(None)
        if cache is not None:
            cache.clear()
        try:
            self._engine.pool.dispatch.connect(adapter, record)
        finally:
            adapter._execute_mutex = mutex  # noqa: SLF001 - as above
            adapter.isolation_level, adapter._isolation_setting, adapter.readonly, adapter.deferrable = given  # noqa: SLF001 - as above
        record.starttime = time.time()  # type: ignore[attr-defined]  # `pool_recycle` counts from there


_LEFT = "connection is closed: its server does not answer, or is no longer used"


def _move_transport(source: DriverConnection, target: DriverConnection) -> None:
    """Give the transport of one asyncpg connection to another, whose own is dead."""
    forget_statements(target)
    target.terminate()
    for name in _MOVED:
        setattr(target, name, getattr(source, name))
    target._protocol.set_connection(target)  # noqa: SLF001 - there is no other way
    target._protocol.prepared = set()  # noqa: SLF001 - as above
    target._aborted = False  # noqa: SLF001 - as above
    source._protocol, source._aborted = None, True  # noqa: SLF001 - as above


def forget_statements(connection: DriverConnection) -> None:
    """Empty an asyncpg connection's cache before it closes: it would close for ever statements in use.

    What is held goes on where the connection is replaced, prepared anew when it is executed.
    """
    connection._stmt_cache.clear()  # noqa: SLF001 - asyncpg has no public name for it
    connection._stmts_to_close.clear()  # noqa: SLF001 - as above
