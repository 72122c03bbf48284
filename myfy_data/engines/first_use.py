"""A pooled connection proves itself by its first use, and is replaced unseen when it fails (contract C10, ADR 0011).

The pool checks a connection that was idle for long. One that was used a moment ago may have died since, with the news
still on the way. Its first message of a unit of work is BEGIN, or a plain SELECT: sent again on another connection,
either does no harm. So nobody pays a round trip for the check, and nobody sees the failure.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.backend import Backend
from myfy_data.errors import DatabaseTimeoutError

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

    def is_unproven(self, pooled: Any) -> bool:
        """Whether the next message is the first on a connection that the pool has handed out unasked."""
        record = _record_of(pooled)
        return record is not None and _UNPROVEN in record.info

    def begin(self, pooled: Any, *, read_only: bool) -> None:
        """Send BEGIN, unless a transaction is open; an unproven connection that is dead is replaced first.

        Args:
            pooled: SQLAlchemy's proxy of the connection.
            read_only: let the server refuse the writes of the transaction.

        Raises:
            DatabaseTimeoutError: no answer within `command_timeout`.
        """
        if _in_transaction(pooled.dbapi_connection):
            return

        def send() -> None:
            pooled.dbapi_connection.run_async(functools.partial(self._start, pooled.dbapi_connection, read_only))

        if self.is_unproven(pooled):
            self.prove(pooled, send)
        else:
            send()

    async def _start(self, adapter: Any, read_only: bool, driver: Any) -> None:  # noqa: FBT001 - bound by partial
        was = adapter.readonly
        adapter.readonly = was or read_only
        try:
            # SQLAlchemy's adapter would begin by itself before the statement, and then nobody could tell which of the
            # two messages has failed. In autocommit it does nothing.
            await adapter._start_transaction()  # noqa: SLF001 - there is no other way to it
        except BaseException as error:
            # The server may have begun and SQLAlchemy does not know: with this connection, the next COMMIT would only
            # release a savepoint.
            self._backend.abort(driver)
            if isinstance(error, TimeoutError):
                seconds = self._backend.settings.command_timeout
                raise DatabaseTimeoutError(self._backend.profile, "statement", seconds) from error
            raise
        finally:
            adapter.readonly = was

    def prove(self, pooled: Any, send: Callable[[], None]) -> None:
        """Send the first message; when the connection turns out to be dead, send it on another one instead.

        Args:
            pooled: SQLAlchemy's proxy of the connection.
            send: sends it; must do no harm when done twice, and look up the connection each time.

        A cursor that was made before stays with the dead connection; `follow` takes it along.
        """
        del _record_of(pooled).info[_UNPROVEN]
        try:
            send()
        except Exception as error:
            if isinstance(error, TimeoutError) or not self._is_death(pooled, error):
                raise
            _replace(pooled, error)
            send()

    def _is_death(self, pooled: Any, error: Exception) -> bool:
        left = getattr(error, "sqlstate", None) in _SERVER_LEAVES
        return left or self._backend.seems_closed(pooled.driver_connection)


def follow(pooled: Any, cursor: Any) -> None:
    """Let a cursor that SQLAlchemy has made work on the connection that stands in the pool's place now."""
    if cursor._adapt_connection is not pooled.dbapi_connection:  # noqa: SLF001 - it has no public way to it
        cursor._adapt_connection = pooled.dbapi_connection  # noqa: SLF001 - as above
        cursor._connection = pooled.driver_connection  # noqa: SLF001 - as above


def _in_transaction(connection: Any) -> bool:
    started: bool | None = getattr(connection, "_started", None)  # SQLAlchemy 2.0
    return connection._transaction is not None if started is None else started  # noqa: SLF001 - nothing public says it


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
