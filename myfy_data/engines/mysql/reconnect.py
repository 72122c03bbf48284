"""A pooled connection whose death is still news on the way is replaced below a first plain read (contract C10).

MySQL sends no BEGIN that could prove a connection. The first message of a unit of work is the user's own statement, and
only one that can do nothing but read may be sent again. Whatever else comes first is told as what it is: it was sent.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, ExecutionContext
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.connect.backend import adapted
from myfy_data.engines.connect.plain_select import only_reads, reading_compiler


def mark_unverified(engine: Engine, dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """Note that a connection came out of the pool without having been asked anything; its next message ends that."""
    adapted(dbapi_connection).driver_connection.replace_dead = functools.partial(_replace, engine, record)


def attach_reconnect(engine: Engine) -> None:
    """Let an engine's first plain reads be sent again. The dialect's own method: every listener comes first."""
    dialect: Any = engine.dialect
    send = dialect.do_execute

    def do_execute(cursor: object, statement: str, parameters: object, context: ExecutionContext | None = None) -> None:
        replace = _replacement(context, statement)
        try:
            send(cursor, statement, parameters, context)
        except Exception as error:
            if replace is None or context is None:
                raise
            connection = context.root_connection.connection.dbapi_connection
            if connection is None or not dialect.is_disconnect(error, connection, cursor):
                raise
            replace(connection)
            send(cursor, statement, parameters, context)

    dialect.statement_compiler = reading_compiler(dialect.statement_compiler)
    dialect.do_execute = do_execute


def _replacement(context: ExecutionContext | None, statement: str) -> Callable[[DBAPIConnection], None] | None:
    """What replaces the connection should it be dead; None where that is known, or the statement may not run twice."""
    if context is None:
        return None
    driver = context.root_connection.connection.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
    return driver.replace_dead if driver.replace_dead is not None and only_reads(context, statement) else None


def _replace(engine: Engine, record: ConnectionPoolEntry, dbapi_connection: DBAPIConnection) -> None:
    """Open another connection, as the pool opens every other, and put it below the objects that are in use."""
    pool = engine.pool
    fresh: Any = pool._invoke_creator(record)  # noqa: SLF001 - `do_connect` listeners included
    adapted(dbapi_connection).driver_connection.take_over(fresh.driver_connection)
    pool.dispatch.connect(dbapi_connection, record)
    adapted(dbapi_connection).driver_connection.keep_level()
    record.starttime = time.time()  # type: ignore[attr-defined]  # `pool_recycle` counts from there
