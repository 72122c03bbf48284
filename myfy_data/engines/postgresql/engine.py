"""SQL of listeners that SQLAlchemy calls before it begins stands in the transaction that follows (ADR 20).

SQLAlchemy's own rule covers cursors: the first one that executes begins. What the driver is told by a listener for
`checkout`, `engine_connect` or `begin` would stand by itself, and stay after a roll back.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.engine.base import RootTransaction, TwoPhaseTransaction
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.read_only import ReadOnlyEngine


class HandOut:
    """A block in which a connection of the pool is handed to a `Connection`, and listeners have their say.

    Attributes:
        is_over: whether that is over; tasks that were made meanwhile still have this object in their context.
    """

    is_over: bool = False

    def __enter__(self) -> None:
        self._token = HAND_OUT.set(self)

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        HAND_OUT.reset(self._token)


HAND_OUT: ContextVar[HandOut | None] = ContextVar("myfy_hand_out", default=None)
"""The one that is under way in this task; where it is None, and mostly it is, no listener speaks."""


def is_handed_out() -> bool:
    """Whether this task is just handing a connection to a `Connection`."""
    under_way = HAND_OUT.get()
    return under_way is not None and not under_way.is_over


class ListenedConnection(Connection):
    """SQLAlchemy's connection, whose listeners' messages belong to its transaction."""

    def __init__(self, engine: Engine, connection: PoolProxiedConnection | None = None, **options: Any) -> None:
        hand_out = HandOut()
        token = HAND_OUT.set(hand_out)  # not by its `with`: each unit of work comes here
        try:
            super().__init__(engine, connection, **options)
        finally:
            hand_out.is_over = True
            HAND_OUT.reset(token)
        adapter: Any = self._dbapi_connection.dbapi_connection  # type: ignore[union-attr]  # it was just checked out
        if adapter._transaction is not None and self._transaction is None:  # noqa: SLF001 - as its other users
            adapter.leave_unused()

    def _revalidate_connection(self) -> PoolProxiedConnection:
        with HandOut():
            return super()._revalidate_connection()

    def _begin_impl(self, transaction: RootTransaction) -> None:
        if self._has_events or self.engine._has_events:  # noqa: SLF001 - as SQLAlchemy asks before it calls listeners
            self._begin_first()
        super()._begin_impl(transaction)

    def _begin_twophase_impl(self, transaction: TwoPhaseTransaction) -> None:
        self._begin_first()
        super()._begin_twophase_impl(transaction)

    def _begin_first(self) -> None:
        # SQLAlchemy calls its listeners, then begins; this sends nothing.
        adapter: Any = self.connection.dbapi_connection
        adapter.begin()


class ListenedOptionEngine(ReadOnlyEngine):
    """What `Engine.execution_options()` gives."""

    _connection_cls = ListenedConnection


ListenedOptionEngine._option_cls = ListenedOptionEngine  # noqa: SLF001 - SQLAlchemy names the classes nowhere else


def begin_for_listeners(engine: Engine) -> None:
    """Let the listeners of an engine, and of those of its `execution_options`, speak inside the transaction."""
    engine._connection_cls = ListenedConnection  # noqa: SLF001 - as above
    engine._option_cls = ListenedOptionEngine  # noqa: SLF001 - as above
