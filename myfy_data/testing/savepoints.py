"""PostgreSQL: what an application begins in a test is a savepoint in the test's own transaction (contract C13.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from myfy_data.engines.connect.backend import adapted
from myfy_data.engines.postgresql.connection import GatedConnection, LateTransaction
from myfy_data.engines.postgresql.sqlstates import FAILED_TRANSACTION
from myfy_data.errors import SessionError
from myfy_data.testing.running import FIX

_NAME = "myfy_data_test"
_BEGIN = f"SAVEPOINT {_NAME}"
_READ_ONLY = "; SET LOCAL transaction_read_only = on"
_ROLL_BACK = f"ROLLBACK TO SAVEPOINT {_NAME}; RELEASE SAVEPOINT {_NAME}"

# What COMMIT would check is checked. The last word tells whether some constraint is made to be checked at the end only.
_COMMIT = f"""
SET CONSTRAINTS ALL IMMEDIATE;
RELEASE SAVEPOINT {_NAME};
SELECT FROM pg_catalog.pg_constraint WHERE condeferred AND conparentid = 0 LIMIT 1
"""
_NONE_DEFERRED = "SELECT 0"

# ... as which they are made again before another transaction of the test begins: most tests have none, or end before.
_DEFER = """
DO $myfy$ DECLARE names text; BEGIN
  SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ') INTO names
    FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
    WHERE c.condeferred AND c.conparentid = 0;
  IF names IS NOT NULL THEN EXECUTE 'SET CONSTRAINTS ' || names || ' DEFERRED'; END IF;
END $myfy$;
"""


_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_ENDS = re.compile(
    r"\s*(?:commit|end|abort|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b",
    re.IGNORECASE,
)


@dataclass(slots=True, eq=False)
class OuterTransaction:
    """The test's own transaction.

    Attributes:
        level: its isolation level; the server's own when None.
        is_immediate: whether a COMMIT had constraints checked that are made to be checked at the end only.
    """

    level: str | None
    is_immediate: bool = False


class SavepointTransaction(LateTransaction):
    """A transaction of the application, within that of the test.

    COMMIT checks what PostgreSQL would check, deferred constraints included, and keeps the work for the rest of the
    test; ROLLBACK undoes it.
    """

    __slots__ = ("_outer",)

    def __init__(self, adapter: GatedConnection, *, outer: OuterTransaction) -> None:
        asked = adapter.isolation_level
        if asked is not None and asked.replace("_", " ").upper() != (outer.level or ""):
            asked = asked.replace("_", " ").upper()
            message = f"isolation level {asked} cannot be had inside the test's own transaction\n  fix: {FIX}"
            raise SessionError(adapter.profile, message)
        super().__init__(adapter)
        self._outer = outer
        is_read_only = adapter.readonly or adapter.gate.wants_read_only
        self.begin = (_DEFER if outer.is_immediate else "") + _BEGIN + (_READ_ONLY if is_read_only else "")

    async def commit(self) -> None:
        """Check what COMMIT would check, and keep the work for the rest of the test."""
        if self._end is None and self._leave():
            line = self.conclude(committed=True)
            try:
                self._outer.is_immediate = await line.send(_COMMIT) != _NONE_DEFERRED
            except Exception as error:
                with suppress(Exception):  # where what follows RELEASE failed, the savepoint is gone
                    await line.send(_ROLL_BACK)
                if getattr(error, "sqlstate", None) == FAILED_TRANSACTION:  # to that, COMMIT answers with a roll back
                    raise self.rolled_back_at_commit() from None
                raise
        elif self._end is not None:
            await super().commit()

    async def rollback(self) -> None:
        """Undo the work."""
        if self._end is None and self._leave():
            await self.conclude(committed=False).send(_ROLL_BACK)
        elif self._end is not None:
            await super().rollback()


def stand_in_a_transaction(engine: Engine, profile: str, level: str | None) -> None:
    """Begin the test's transaction on the one connection of an engine, and have everything happen inside it.

    Args:
        engine: whose pool has one connection.
        profile: the profile's name.
        level: the isolation level of the transaction; the server's own when None.
    """
    make = partial(SavepointTransaction, outer=OuterTransaction(level))
    opened = 0

    def begin(dbapi_connection: DBAPIConnection, _record: object) -> None:
        nonlocal opened
        opened += 1
        if opened > 1:
            raise lost_connection(profile)
        text = "BEGIN" + (f" ISOLATION LEVEL {level}" if level else "")
        adapted(dbapi_connection).run_async(lambda driver: driver.execute(text))
        dbapi_connection.make_transaction = make
        dbapi_connection.gate.guard = partial(refuse_end, profile)

    def refuse_autocommit(_: object, options: Mapping[str, object]) -> None:
        if str(options.get("isolation_level", "")).upper() == "AUTOCOMMIT":
            raise SessionError(profile, f"AUTOCOMMIT would store at once, which no transaction undoes\n  fix: {FIX}")

    event.listen(engine, "connect", begin)
    event.listen(engine, "set_connection_execution_options", refuse_autocommit)
    event.listen(engine, "set_engine_execution_options", refuse_autocommit)


def lost_connection(profile: str) -> SessionError:
    """The error of a test whose connection was closed, by a time-out or a cancellation: its rows went with it."""
    message = "the test's connection was closed, by a cancellation or a time-out, and its rows went with it"
    return SessionError(profile, f"{message}\n  fix: {FIX}")


def refuse_end(profile: str, sql: str) -> None:
    """Refuse a statement that would end the test's own transaction.

    Raises:
        SessionError: it would.
    """
    plain = _QUOTED.sub(lambda found: " " if found[0].startswith(("--", "/*")) else "''", sql)
    ending = next(filter(None, map(_ENDS.match, plain.split(";"))), None)
    if ending is None:
        return
    word = ending[0].strip().upper()
    message = f"{word} as a statement would end the test's own transaction\n  fix: await session.commit(), or {FIX}"
    raise SessionError(profile, message)
