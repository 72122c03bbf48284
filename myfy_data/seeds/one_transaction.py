"""All seeds of a profile are stored, or none: a statement that would end their transaction is not sent."""

from __future__ import annotations

import re

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.mysql.implicit_commit import commits_implicitly
from myfy_data.seeds.statements import split_statements

_ENDS = re.compile(
    r"(?:commit|rollback(?!(?:\s+work|\s+transaction)?\s+to\b)|begin|start\s+transaction|end|abort|prepare\s+transaction)\b",
    re.IGNORECASE,
)
_SHOWN = 80


class EndsTransactionError(Exception):
    """A seed would end the transaction of all; the text says by which statement."""


def keep_transaction(engine: AsyncEngine, backend: str) -> None:
    """Refuse statements that end a transaction, whichever way they come.

    Args:
        engine: the engine that seeds are stored on.
        backend: `sqlite`, `postgresql` or `mysql`.
    """

    def refuse(_connection: object, _cursor: DBAPICursor, statement: str, *_: object) -> None:
        parts = [part.text for part in split_statements(statement, backend)]
        if backend != "mysql":
            del parts[1:]  # only aiomysql sends several at once; a body in PostgreSQL has an END of its own
        text = " ".join(statement.split())[:_SHOWN]
        if any(map(_ENDS.match, parts)):
            raise EndsTransactionError(f"all seeds are one transaction, and this would end it: {text}")
        if backend == "mysql" and any(map(commits_implicitly, parts)):
            told = "all seeds are one transaction, and this database commits it before a statement such as"
            raise EndsTransactionError(f"{told}: {text}; a revision may change the schema")

    event.listen(engine.sync_engine, "before_cursor_execute", refuse)
