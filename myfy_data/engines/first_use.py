"""A pooled connection proves itself by its first use, and is replaced unseen when it fails (contract C10, ADR 0011).

The pool checks a connection that was idle for long. One that was used a moment ago may have died since, with the news
still on the way. Its first message of a unit of work is BEGIN, or a plain SELECT: sent again on another connection,
either does no harm. So nobody pays a round trip for the check, and nobody sees the failure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.selectable import SelectBase

from myfy_data.engines.backend import Backend

_UNPROVEN = "myfy_unproven"

_SERVER_LEAVES = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATEs by which PostgreSQL takes its leave."""


def expect_proof(record: ConnectionPoolEntry) -> None:
    """Note that a connection came out of the pool without having been asked anything."""
    record.info[_UNPROVEN] = True


class FirstUse:
    """Watches the first message that an engine sends on each connection it checks out.

    Args:
        backend: knows whether a driver's connection is dead.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def listen(self, engine: Engine) -> None:
        """Begin the transaction before a statement that may write, so that BEGIN is the proof."""
        event.listen(engine, "before_execute", self._before_execute)

    def _before_execute(self, connection: Connection, statement: Any, many: Sequence[Any], *_: Any) -> None:
        # `DeferredBegin` sends what is one statement with a cursor of its own, and may know it to be a SELECT.
        may_read = isinstance(statement, SelectBase | TextClause) and not many
        if not may_read and self.is_unproven(connection.connection):
            self.begin(connection.connection)

    def is_unproven(self, pooled: Any) -> bool:
        """Whether the next message is the first on a connection that the pool has handed out unasked."""
        record = _record_of(pooled)
        return record is not None and _UNPROVEN in record.info

    def begin(self, pooled: Any) -> None:
        """Send BEGIN on an unproven connection, or on the one that takes its place."""
        self.prove(pooled, lambda: pooled.dbapi_connection.run_async(lambda _: _start(pooled.dbapi_connection)))

    def prove(self, pooled: Any, send: Callable[[], None]) -> None:
        """Send the first message; when the connection turns out to be dead, send it on another one instead.

        Args:
            pooled: SQLAlchemy's proxy of the connection.
            send: sends it; must do no harm when done twice, and look up the connection each time.
        """
        del _record_of(pooled).info[_UNPROVEN]
        try:
            send()
        except Exception as error:
            if not self._is_death(pooled, error):
                raise
            _replace(pooled, error)
            send()

    def _is_death(self, pooled: Any, error: Exception) -> bool:
        left = getattr(error, "sqlstate", None) in _SERVER_LEAVES
        return left or self._backend.seems_closed(pooled.driver_connection)


async def _start(connection: Any) -> None:
    # SQLAlchemy's adapter begins by itself before a statement, too late for us: then nobody could tell which of the
    # two messages has failed. In autocommit it does nothing.
    await connection._start_transaction()  # noqa: SLF001 - there is no other way to it


def _record_of(pooled: Any) -> Any:
    """The pool's entry for a connection; None once it was detached. SQLAlchemy shows it to pool events only."""
    return pooled._connection_record  # noqa: SLF001 - as above


def _replace(pooled: Any, error: Exception) -> None:
    """Put a new connection in the place of a dead one, as the pool does when a check at checkout fails."""
    record, dead = _record_of(pooled), pooled.dbapi_connection
    at_return = list(record.finalize_callback)
    record.invalidate(error)
    alive = pooled.dbapi_connection = record.get_connection()
    record.finalize_callback.extend(at_return)
    alive.readonly, alive.deferrable = dead.readonly, dead.deferrable
    if dead.isolation_level is not None:
        alive.set_isolation_level(dead.isolation_level)
