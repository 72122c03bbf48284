"""A writer waits for its turn without a pooled connection, so that readers read beside the waiters (ADR 8, ADR 22).

SQLAlchemy checks a connection out before it begins a transaction. Where the turn to write is taken by then, none is
checked out before the turn has come: SQLAlchemy's `Connection` does that by itself when it is used, as after a
connection was invalidated. One that is held already, and on which nothing was sent, goes back unused meanwhile. However
often it waits until it has both, all of that is within one `pool_timeout`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.engine.base import RootTransaction
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only

from myfy_data.engines.connect.backend import READ_ONLY
from myfy_data.engines.connect.read_only import ReadOnlyEngine
from myfy_data.engines.pool.loop_affinity import current_task
from myfy_data.engines.pool.wait_queue import having_waited
from myfy_data.engines.sqlite.write_queue import QueueAccess, Turn

if TYPE_CHECKING:  # with the driver, which need not be installed
    from myfy_data.engines.sqlite.connection import QueuedConnection


class WriterConnection(Connection):
    """SQLAlchemy's connection, which stands in the writers' queue before it begins."""

    _is_awaited = False
    """Whether none has been checked out yet, because the turn comes before; so it was not invalidated, either."""

    def __init__(self, engine: Engine, connection: PoolProxiedConnection | None = None, **options: Any) -> None:
        waits = connection is None and _is_turn_taken(engine)
        super().__init__(engine, _NONE_YET if waits else connection, **options)
        if waits:
            self._go_without()

    def _go_without(self) -> None:
        self._dbapi_connection = None  # what SQLAlchemy takes for invalidated: `connection` checks one out
        self._is_awaited = True

    @property
    def invalidated(self) -> bool:
        """Whether it lost its connection; it has not while it waits for the first one."""
        return super().invalidated and not self._is_awaited

    def _revalidate_connection(self) -> PoolProxiedConnection:
        self._is_awaited = False  # for good: where it fails, a listener is not to try again
        return super()._revalidate_connection()

    def invalidate(self, exception: BaseException | None = None) -> None:
        """Invalidate the connection; one that is still waited for as well."""
        self._is_awaited = False
        super().invalidate(exception)

    def detach(self) -> None:
        """Take the connection away from its pool, for good: it does not go back while this waits for the turn."""
        if not (self.closed or self.invalidated):
            self._driver.is_fresh = False
        super().detach()

    def _execute_context(self, *arguments: Any, **options: Any) -> CursorResult[object]:
        # SQLAlchemy makes the cursor, then begins: it would be one of the connection that has gone back meanwhile.
        if self._transaction is None:
            self._autobegin()
        return super()._execute_context(*arguments, **options)

    def _begin_impl(self, transaction: RootTransaction) -> None:
        turn = self._enter()
        if turn is None:
            super()._begin_impl(transaction)
            return
        driver = self._driver
        driver.adopt(turn)
        try:
            super()._begin_impl(transaction)
        except (
            Exception
        ):  # also a listener's; a cancellation costs the connection, which ends its turn when it is closed
            driver.end_turn()
            raise

    def _enter(self) -> Turn | None:
        """The turn to write, as soon as it is had; None where there is nothing to wait for."""
        pool: Any = self.engine.pool
        access: QueueAccess | None
        waited = 0.0
        if self._dbapi_connection is None and (access := getattr(pool, "writers", None)) is not None:
            turn = Turn(has_connection=False)
            self._take_connection(access, turn)
            awaited = self._driver.awaited
            if awaited is not None and awaited.queue is access.queue:
                return turn
            access.queue.leave(turn)  # the connection needs none, or leads to another file after a reload
            waited = turn.spent
        driver = self._driver
        access = driver.awaited
        if access is None:
            return None
        turn = Turn(has_connection=not driver.is_fresh)
        if not access.queue.take(turn):
            turn.spent = waited or self._waited_for_connection()
            self._wait(access, turn)
        pool.writers = access
        return turn

    def _waited_for_connection(self) -> float:
        """Seconds that it waited until the pool handed its connection out; none once that was used."""
        pool: Any = self.engine.pool
        return float(pool.waited_for(self.connection)) if self._driver.is_fresh else 0.0

    @property
    def _driver(self) -> QueuedConnection:
        driver: QueuedConnection = self.connection.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
        return driver

    def _wait(self, access: QueueAccess, turn: Turn) -> None:
        if turn.has_connection:
            await_only(access.enter(turn))
            return
        self.connection.close()
        self._go_without()
        self._take_connection(access, turn)

    def _take_connection(self, access: QueueAccess, turn: Turn) -> None:
        """Wait for the turn, then take a connection; who holds one and waits for the turn goes first."""
        if not access.queue.take(turn):
            await_only(access.enter(turn))
        with access.queue.lending(turn):
            with having_waited(turn.spent):
                pooled = self.connection
            pool: Any = self.engine.pool
            turn.spent += pool.waited_for(pooled)
            self.dialect.set_connection_execution_options(self, self.get_execution_options())
        if not access.queue.take(turn):
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


_NONE_YET: Any = object()


def _is_turn_taken(engine: Engine) -> bool:
    """Whether a transaction would have to wait; no where a listener may look at the connection first."""
    access: QueueAccess | None = getattr(engine.pool, "writers", None)
    if access is None or not access.queue.is_taken or engine._has_events:  # noqa: SLF001 - as SQLAlchemy asks
        return False
    return not engine.get_execution_options().get(READ_ONLY)


def _check_out(engine: Engine) -> PoolProxiedConnection:
    pooled = engine.pool.connect()
    driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it was just checked out
    driver.is_fresh, driver.task = True, current_task()
    return pooled
