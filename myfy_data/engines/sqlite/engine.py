"""A writer waits for its turn without a pooled connection, so that readers read beside the waiters (ADR 8, ADR 22).

SQLAlchemy checks a connection out before it begins a transaction. When the turn to write is not free by then, the
connection goes back unused, and one is checked out again when the turn has come: SQLAlchemy's `Connection` does that by
itself, as after a connection was invalidated.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only

from myfy_data.engines.connect.read_only import ReadOnlyEngine
from myfy_data.engines.pool.loop_affinity import current_task
from myfy_data.engines.sqlite.write_queue import QueueAccess, Turn


class WriterConnection(Connection):
    """SQLAlchemy's connection, which stands in the writers' queue before it begins."""

    def _execute_context(self, *arguments: Any, **options: Any) -> CursorResult[object]:
        # SQLAlchemy makes the cursor, then begins: it would be one of the connection that has gone back meanwhile.
        if self._transaction is None:
            self._autobegin()
        return super()._execute_context(*arguments, **options)

    def _begin_impl(self, transaction: RootTransaction) -> None:
        driver: Any = self.connection.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
        access: QueueAccess | None = driver.awaited
        if access is None:
            super()._begin_impl(transaction)
            return
        turn = Turn(has_connection=not driver.is_fresh)
        if not access.queue.take(turn):
            self._wait(access, turn)
            driver = self.connection.dbapi_connection.driver_connection  # type: ignore[union-attr]  # as above
        driver.adopt(turn)
        try:
            super()._begin_impl(transaction)
        except (
            Exception
        ):  # also a listener's; a cancellation costs the connection, which ends its turn when it is closed
            driver.end_turn()
            raise

    def _wait(self, access: QueueAccess, turn: Turn) -> None:
        if turn.has_connection:
            await_only(access.enter(turn))
            return
        self.connection.close()
        self._dbapi_connection = None  # what SQLAlchemy takes for invalidated: `connection` checks one out
        await_only(access.enter(turn))
        with access.queue.lending(turn):
            _ = self.connection
            self.dialect.set_connection_execution_options(self, self.get_execution_options())
        await_only(access.enter(turn))


class WriterEngine(Engine):
    """An engine whose connections wait; a copy of it (`copy.copy`) has a pool of its own, as SQLAlchemy's have."""

    _connection_cls = WriterConnection

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection of the pool."""
        return _check_out(self)


class WriterOptionEngine(ReadOnlyEngine, WriterEngine):
    """What `Engine.execution_options()` gives: an engine whose connections wait as well."""

    keeps_read_only = False


WriterEngine._option_cls = WriterOptionEngine._option_cls = WriterOptionEngine  # noqa: SLF001 - SQLAlchemy names them nowhere else


def wait_without_connection(engine: Engine) -> None:
    """Let an engine's connections, and those of its `execution_options`, wait for their turn to write."""
    engine.__class__ = WriterEngine  # `create_async_engine` has no argument for it


def _check_out(engine: Engine) -> PoolProxiedConnection:
    pooled = engine.pool.connect()
    driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it was just checked out
    driver.is_fresh, driver.task = True, current_task()
    return pooled
