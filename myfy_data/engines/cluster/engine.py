"""The engine of a profile with several servers: it has no connections, and takes each from the right server's pool."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection, QueuePool

from myfy_data.engines.cluster.dialect import learn
from myfy_data.engines.cluster.listeners import connect_joined, give_listeners, joined_copy, separate_dialect

if TYPE_CHECKING:
    from myfy_data.engines.cluster.position_asker import Answer
    from myfy_data.engines.cluster.route import Route
    from myfy_data.engines.factory import OpenEngine

T = TypeVar("T", Connection, PoolProxiedConnection)


class Source(Protocol):
    """What gives connections of the server that is meant."""

    @property
    def pools(self) -> list[Pool]:
        """The pools of every server."""
        ...

    @property
    def handles(self) -> list[OpenEngine]:
        """The engines of every server."""
        ...

    def take(self, route: Route, connect: Callable[[Engine], T]) -> T:
        """A connection of a server that fits."""
        ...

    def take_again(self, address: str, connect: Callable[[Engine], T]) -> T | None:
        """A connection of this server; None where it does not serve, or lacks own writes."""
        ...

    def address_of(self, engine: Engine) -> str | None:
        """The server that an engine leads to."""
        ...

    def ask_position(self) -> Answer | None:
        """How far the primary will have come, asked now; None where no read would need it."""
        ...


class ClusterPool(Pool):
    """The pools of all servers, as one that can be asked for its numbers."""

    def __init__(self, source: Source, route: Route) -> None:
        super().__init__(_no_creator)
        self._source = source
        self._route = route

    def connect(self) -> PoolProxiedConnection:
        """Check a connection out of the right server's pool."""
        return self._source.take(self._route, lambda engine: engine.raw_connection())

    def checkedin(self) -> int:
        """Connections that are idle."""
        return sum(pool.checkedin() for pool in self._source.pools if isinstance(pool, QueuePool))

    def checkedout(self) -> int:
        """Connections in use."""
        return sum(pool.checkedout() for pool in self._source.pools if isinstance(pool, QueuePool))

    def status(self) -> str:
        """The numbers of each server's pool."""
        return "; ".join(pool.status() for pool in self._source.pools)

    def dispose(self) -> None:
        """Close what is idle on every server, which goes on with a new pool; those that were left did so by then."""
        for handle in self._source.handles:
            handle.engine.sync_engine.dispose()

    def recreate(self) -> Pool:
        """Itself: it has no connections of its own."""
        return self

    def _do_get(self) -> ConnectionPoolEntry:
        raise NotImplementedError

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        raise NotImplementedError


def _no_creator() -> Any:
    raise NotImplementedError


class ClusterEngine(Engine):
    """Each connection is one of the engine of the server that is chosen when it is taken.

    Args:
        source: what chooses.
        route: which servers may be chosen.
        parent: whose dialect and pool it shares, and whose listeners hear of its connections too; for the first one, an
            engine of one of the servers.
        options: execution options that connections get on top of their server's.
    """

    def __init__(self, source: Source, route: Route, parent: Engine, options: dict[str, object] | None = None) -> None:
        self._parent = parent if isinstance(parent, ClusterEngine) else None
        dialect = parent.dialect if self._parent else separate_dialect(parent.dialect)
        pool = ClusterPool(source, route)
        super().__init__(pool, dialect, parent.url, hide_parameters=parent.hide_parameters)
        if self._parent:
            give_listeners(pool, parent.pool.dispatch)
            give_listeners(self, self.dispatch._join(parent.dispatch))  # noqa: SLF001 - as SQLAlchemy does for an engine's copies
        self._source, self._route, self._options = source, route, options or {}
        self._copies: weakref.WeakKeyDictionary[Engine, Engine] = weakref.WeakKeyDictionary()
        self._is_pinned = False
        self._pin: str | None = None

    def for_one_session(self) -> ClusterEngine:
        """The same, whose connections all come from the server of the first one, while that serves (contract C11.2).

        For a session that reads from replicas: what one has, another may not have yet. One that writes has no choice.
        """
        if self._route.source == "primary":
            return self
        _ = self.dispatch  # it is made when it is asked for, and both have the same listeners
        made = copy(self)
        made._is_pinned, made._pin = True, None  # noqa: SLF001 - a copy of its own
        return made

    @property
    def _has_events(self) -> bool:
        own: bool = self.__dict__.get("_has_events", False)
        return own or (self._parent is not None and self._parent._has_events)  # noqa: SLF001 - as SQLAlchemy's copies

    @_has_events.setter
    def _has_events(self, value: bool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # it can be set, as SQLAlchemy's
        self.__dict__["_has_events"] = value

    def ask_position(self) -> Answer | None:
        """How far the primary will have come, asked now; None where no read would need it."""
        return self._source.ask_position()

    def connect(self) -> Connection:
        """A connection of the server that fits."""
        if self._pin is not None and (connection := self._source.take_again(self._pin, self._connect_to)) is not None:
            return connection
        return self._source.take(self._route, self._connect_to)

    def _connect_to(self, engine: Engine) -> Connection:
        copied = self._copies.get(engine)
        if copied is None:
            copied = self._copies[engine] = joined_copy(engine, self, self._options)
        connection = connect_joined(copied, self)
        learn(self.dialect, connection.dialect)
        if self._is_pinned:
            self._pin = self._source.address_of(engine)
        return connection

    def execution_options(self, **options: object) -> Any:
        """The same servers, for connections with these options."""
        return ClusterEngine(self._source, self._route, self, {**self._options, **options})

    def update_execution_options(self, **options: object) -> None:
        """Give every connection from now on these options."""
        self._options = {**self._options, **options}
        self._copies.clear()


def for_one_session(engine: AsyncEngine) -> AsyncEngine:
    """The engine of a session that reads: one server of several for all of its transactions; else itself."""
    inner = engine.sync_engine
    made = inner.for_one_session() if isinstance(inner, ClusterEngine) else inner
    return engine if made is inner else AsyncEngine(made)


def ask_position(engine: AsyncEngine) -> Answer | None:
    """How far the primary will have come, asked now; None where no read would need it, as on one server."""
    inner = engine.sync_engine
    return inner.ask_position() if isinstance(inner, ClusterEngine) else None
