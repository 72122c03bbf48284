"""BEGIN goes out with the first statement that needs a transaction (contract C10; ADR 0011).

At READ COMMITTED each statement sees what is committed when it starts, inside a transaction or not. So a plain SELECT
that comes before any other statement runs in a round trip of its own, and a unit of work that only reads needs neither
BEGIN nor COMMIT. Whatever else may come (a write, a lock, a function that may write, text that nobody compiled)
begins the transaction first, as ever.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.sql.selectable import SelectBase, TextualSelect

from myfy_data.engines.backend import READ_ONLY
from myfy_data.engines.first_use import FirstUse, follow
from myfy_data.settings.models import DatabaseSettings

_OWN_LEVEL = "READ COMMITTED"
"""The level that a server gives to transactions that ask for none, where BEGIN may come late."""

_WORDS = """
    ALL AND ANY AS AVG BY CASE CAST CHAR COALESCE COUNT DISTINCT ELSE EXCEPT EXISTS FROM HAVING IN INTERSECT JOIN
    LATERAL LIKE LOWER MAX MIN NOT NULLIF NUMERIC ON OR SELECT SUM THEN UNION UPPER VALUES VARCHAR WHEN WHERE
"""
_HARMLESS = frozenset(_WORDS.split())
"""Words that may stand before a parenthesis: SQL's own, aggregates, and functions that can only compute."""

_BEFORE_PARENTHESIS = re.compile(r"([\w.\"\]]+)\s*\(")
_NEEDS_TRANSACTION = re.compile(
    r"\b(?:FOR|INTO|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CALL|TABLESAMPLE|CURRENT_\w+|LOCALTIME\w*)\b|--|/\*|;",
    re.IGNORECASE,
)


_LASTS_A_TRANSACTION = re.compile(r"xact|snapshot|set_config", re.IGNORECASE)
"""In the names of functions whose effect ends with the transaction."""


@functools.lru_cache(maxsize=4096)
def is_lock_free_select(sql: str) -> bool:
    """Whether a statement only reads and locks nothing on a connection to which the server refuses writes.

    Args:
        sql: as SQLAlchemy's compiler or the user wrote it.
    """
    return sql.startswith("SELECT ") and not (_NEEDS_TRANSACTION.search(sql) or _LASTS_A_TRANSACTION.search(sql))


@functools.lru_cache(maxsize=4096)
def is_plain_select(sql: str) -> bool:
    """Whether a compiled statement only reads, locks nothing, and calls nothing that could do more.

    In doubt it is not: that costs a round trip, and the other mistake would cost atomicity.

    Args:
        sql: as SQLAlchemy's compiler wrote it.
    """
    if not sql.startswith("SELECT ") or _NEEDS_TRANSACTION.search(sql):
        return False
    return all(word.upper() in _HARMLESS for word in _BEFORE_PARENTHESIS.findall(sql))


def _is_compiled_select(context: Any) -> bool:
    """Whether SQLAlchemy made the statement of a `select()`; text, also behind `columns()`, is the user's own."""
    made_of = getattr(context.compiled, "statement", None)
    return isinstance(made_of, SelectBase) and not isinstance(made_of, TextualSelect)


def may_defer_begin(settings: DatabaseSettings) -> bool:
    """Whether a profile's transactions may begin late.

    Not at a level that promises one snapshot for the whole transaction, and not behind PgBouncer, which may run the
    two halves of a prepared statement on two servers unless a transaction holds them together.
    """
    level = settings.isolation_level in (None, "READ COMMITTED")
    return settings.deferred_begin and level and settings.pooler == "none"


class DeferredBegin:
    """Sends the statements of an asyncpg engine: plain SELECTs before BEGIN, anything else behind it.

    Args:
        first_use: replaces a connection whose first message fails because it is dead.
        settings: the profile's; they say whether SELECTs may run before BEGIN, and which.
    """

    def __init__(self, first_use: FirstUse, settings: DatabaseSettings) -> None:
        self._first_use = first_use
        self._deferring = may_defer_begin(settings)
        self._read_only = settings.read_only

    def listen(self, engine: Engine) -> None:
        """Stand before each statement. These are the dialect's events: the engine's own cost each connection more."""
        event.listen(engine, "do_execute", self._execute)
        event.listen(engine, "do_executemany", self._begin)
        event.listen(engine, "do_execute_no_params", self._begin)

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        pooled = context.root_connection.connection
        if not self._may_come_first(statement, pooled.dbapi_connection, context):
            self._begin(cursor, context)
            return False
        send = functools.partial(_send_before_begin, pooled, cursor, statement, parameters)
        self._first_use.prove(pooled, send) if self._first_use.is_unproven(pooled) else send()
        return True

    def _begin(self, cursor: Any, *statement_and_context: Any) -> None:
        """Send BEGIN if it is due; SQLAlchemy then sends the statement."""
        connection = statement_and_context[-1].root_connection
        pooled = connection.connection
        self._first_use.begin(pooled, read_only=READ_ONLY in connection.get_execution_options())
        follow(pooled, cursor)

    def _may_come_first(self, statement: str, connection: Any, context: Any) -> bool:
        if context.cursor.server_side or not (self._deferring and self._only_reads(statement, context)):
            return False
        level = connection.isolation_level
        return level == "read_committed" or (level is None and context.dialect.default_isolation_level == _OWN_LEVEL)

    def _only_reads(self, statement: str, context: Any) -> bool:
        if self._read_only:
            return is_lock_free_select(statement)
        return _is_compiled_select(context) and is_plain_select(statement)


def _send_before_begin(pooled: Any, cursor: Any, statement: str, parameters: Any) -> None:
    # The adapter sends BEGIN before a statement unless it is in autocommit or inside a transaction. Within one, this
    # changes nothing.
    follow(pooled, cursor)
    connection = pooled.dbapi_connection
    connection.autocommit = True
    try:
        cursor.execute(statement, parameters)
    finally:
        connection.autocommit = False
