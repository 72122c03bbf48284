"""What listens to the engine of a profile with several servers hears every server (contract C11.5, C16.1).

SQLAlchemy keeps listeners in three places, the engine, its pool and its dialect, and joins those of an engine with
those of its copies. So the servers' engines are joined with the one that applications have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.pool import Pool

POOL_EVENTS = (
    "connect",
    "first_connect",
    "checkout",
    "checkin",
    "reset",
    "invalidate",
    "soft_invalidate",
    "close",
    "detach",
    "close_detached",
)
"""Every event of SQLAlchemy's `PoolEvents`; a test compares them."""


def separate_dialect(dialect: Dialect) -> Dialect:
    """The same dialect with listeners of its own."""
    made = copy(dialect)
    made.__dict__.pop("dispatch", None)
    return made


def give_listeners(of: Any, listeners: object) -> None:
    """Let an engine, a pool or a dialect have other listeners; SQLAlchemy's types say that it never changes them.

    Args:
        of: what gets them.
        listeners: a `dispatch` of its kind.
    """
    of.dispatch = listeners


def join_server(engine: Engine, dialect: Dialect, pool: Pool) -> None:
    """Let the listeners of a dialect and a pool hear what those of a server's engine do.

    Args:
        engine: the server's.
        dialect: the one that applications attach to.
        pool: as above.
    """
    give_listeners(engine.dialect, engine.dialect.dispatch._join(dialect.dispatch))  # noqa: SLF001 - SQLAlchemy's way
    for name in POOL_EVENTS:  # not joined: a pool that is made anew copies its listeners
        event.listen(engine.pool, name, _forward(pool, name))


def joined_copy(server: Engine, engine: Engine, options: Mapping[str, object]) -> Engine:
    """A server's engine, whose connections the listeners of the one that applications have hear too.

    Args:
        server: the server's.
        engine: the one that applications attach to.
        options: execution options that connections get on top of their server's.
    """
    made = server.execution_options(**options)
    join: Any = type(made.dispatch)
    made.dispatch = join(made.dispatch, engine.dispatch)
    made.raw_connection = server.raw_connection  # type: ignore[method-assign]  # it may prefer some to others
    return made


def connect_joined(copied: Engine, engine: Engine) -> Connection:
    """A connection of a copy that `joined_copy` made; it says that it is the other engine's.

    Args:
        copied: the copy.
        engine: the one that applications attach to.
    """
    dialect: Any = copied.dialect
    dialect._has_events = dialect._has_events or engine.dialect._has_events  # noqa: SLF001 - SQLAlchemy asks it before it calls listeners
    has_events = copied._has_events = copied._has_events or engine._has_events  # noqa: SLF001 - as above
    connection = copied.connect()
    connection.engine = engine  # a session finds its connection by the engine that it asked
    connection._has_events = connection._has_events or has_events  # noqa: SLF001 - as above
    return connection


def _forward(pool: Pool, name: str) -> Callable[..., None]:
    def tell(*arguments: object) -> None:
        for listener in getattr(pool.dispatch, name):
            listener(*arguments)

    return tell
