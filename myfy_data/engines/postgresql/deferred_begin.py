"""BEGIN goes out with the first message that needs a transaction (contract C10; ADR 0011).

At READ COMMITTED each statement sees what is committed when it starts, inside a transaction or not. So a plain SELECT
that comes before any other message runs in a round trip of its own, and a unit of work that only reads needs neither
BEGIN nor COMMIT. Whatever else may come (a write, a lock, a function that may write, text, the driver's own methods)
begins the transaction first, as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.plain_select import only_reads, reading_compiler
from myfy_data.engines.postgresql.message_gate import MessageGate
from myfy_data.settings.database_settings import DatabaseSettings


def may_defer_begin(settings: DatabaseSettings) -> bool:
    """Whether a plain SELECT of a profile may be sent before BEGIN.

    Not at a level that promises one snapshot for the whole transaction, and not behind PgBouncer, which may run the
    two halves of a prepared statement on two servers unless a transaction holds them together.
    """
    level = settings.isolation_level in (None, "READ COMMITTED")
    return settings.deferred_begin and level and settings.pooler == "none"


def attach_deferred_begin(engine: Engine, settings: DatabaseSettings) -> None:
    """Let an engine's transactions begin late. These are the dialect's own methods: every listener comes first."""
    dialect: Any = engine.dialect
    defers, send = may_defer_begin(settings), dialect.do_execute
    reset_isolation_level = dialect.reset_isolation_level

    def do_begin(connection: PoolProxiedConnection) -> None:
        connection.dbapi_connection.begin()  # type: ignore[union-attr]  # it is in use

    def do_execute(cursor: object, statement: str, parameters: object, context: ExecutionContext | None = None) -> None:
        if context is not None and only_reads(context, statement):
            connection: Any = context.root_connection.connection.dbapi_connection
            if connection.isolation_level == "autocommit" or (defers and is_due(connection)):
                connection.read_first(cursor, statement, parameters)
                return
        send(cursor, statement, parameters, context)

    def reset_level(dbapi_connection: DBAPIConnection) -> None:
        if dialect._on_connect_isolation_level is not None:  # noqa: SLF001 - the profile's own, nothing public tells
            reset_isolation_level(dbapi_connection)
        else:
            dbapi_connection.set_isolation_level(None)  # the connection's own, whatever a listener made of it

    dialect.statement_compiler = reading_compiler(dialect.statement_compiler)
    dialect.do_begin, dialect.do_execute, dialect.reset_isolation_level = do_begin, do_execute, reset_level
    for name in ("do_prepare_twophase", "do_rollback_twophase", "do_commit_twophase"):
        setattr(dialect, name, _ending(getattr(dialect, name)))


class Gated(Protocol):
    """A connection whose messages pass a gate."""

    @property
    def gate(self) -> MessageGate:
        """The gate."""
        ...


def is_due(connection: Gated) -> bool:
    """Whether nothing was sent yet of what SQLAlchemy has begun."""
    transaction = connection.gate.transaction
    return transaction is not None and transaction.is_due


def _ending(method: Callable[..., None]) -> Callable[..., None]:
    """One of SQLAlchemy's methods of two phases, whose statements end the transaction by design."""

    def end(connection: Connection, *args: object, **kwargs: object) -> None:
        adapter: Any = connection.connection.dbapi_connection
        transaction = adapter.gate.transaction
        if transaction is not None:
            transaction.may_end = True
        method(connection, *args, **kwargs)

    return end
