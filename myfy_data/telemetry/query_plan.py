"""The plan of one statement, by hand only: on a connection of its own that cannot write (contract C12.3; ADR 36).

A plan for `$1` that is bound to NULL is nonsense: PostgreSQL sees that nothing can be found. So a text without values
is prepared, and planned for whatever may come; a statement with its values is planned for those.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleError
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.telemetry.slow_queries import SlowQuery
from myfy_data.telemetry.told_statements import FINGERPRINT, refused_statement, whole_text

_WORDS = {"postgresql": "EXPLAIN", "mysql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}
_NUMBERED = re.compile(r"\$(\d+)")
PLANNED = re.compile(r"\s*(?:SELECT|WITH|VALUES|TABLE|INSERT|UPDATE|DELETE|REPLACE|MERGE)\b", re.IGNORECASE)
"""How a text begins that EXPLAIN takes; ANALYZE would run it."""


class _Explained(Executable, ClauseElement):
    """EXPLAIN of a statement, whose parameters are the statement's own."""

    inherit_cache = False
    _inline = False  # SQLAlchemy's compilers of INSERT and UPDATE ask the outermost statement for it

    def __init__(self, statement: Executable) -> None:
        self.statement = statement


@compiles(_Explained)
def _render(element: _Explained, compiler: Any, **options: Any) -> str:
    return f"{_WORDS[compiler.dialect.name]} {compiler.process(element.statement, **options)}"


async def explain_query(
    profile: str, settings: DatabaseSettings, statement: str | Executable, known: Iterable[SlowQuery] = ()
) -> tuple[str, ...]:
    """The lines of a statement's plan. The statement is not run.

    Args:
        profile: the profile's name.
        settings: the profile's settings.
        statement: one of SQLAlchemy's with its values; or a text, planned for whatever its parameters are; or the
            fingerprint of one of `known`.
        known: what was slow.

    Raises:
        ConfigError: the fingerprint is not known, or a text cannot be planned without values.
        DataModuleError: the server refuses it, or cannot be reached.
    """
    if isinstance(statement, str):
        statement = _text_of(statement, profile, known)
    if settings.url.is_memory:
        raise refused_statement("a database in memory is one connection's own", "explain it on a file")
    if isinstance(statement, str) and (";" in statement.rstrip("; \n") or not PLANNED.match(statement)):
        raise refused_statement("is not one statement that has a plan", "give one SELECT, INSERT, UPDATE or DELETE")
    own = {"read_only": True, "pool_size": 1, "max_overflow": 0, "warm_up": False}
    registry = EngineRegistry({profile: settings.model_copy(update=own)})
    try:
        async with registry.get(profile, read_only=True).connect() as connection:
            rows = await _explain(connection, settings.url.backend, statement)
    except DataModuleError:
        raise
    except Exception as error:  # noqa: BLE001 - drivers' own, too, where they end a result
        # Without its text, which repeats the statement, and from None: its cause does as well.
        kind = type(getattr(error, "orig", None) or error).__name__
        raise DataModuleError(f"profile {profile!r}: the server does not plan this statement: {kind}") from None
    finally:
        await registry.close()
    return tuple(_line(row) for row in rows)


async def _explain(connection: AsyncConnection, backend: str, statement: str | Executable) -> Sequence[RowMapping]:
    if not isinstance(statement, str):
        return (await connection.execute(_Explained(statement))).mappings().all()
    if backend == "postgresql":
        return await _explain_prepared(connection, statement)
    if backend == "sqlite":
        unknown = (None,) * statement.count("?")
        return (await connection.exec_driver_sql(f"{_WORDS[backend]} {statement}", unknown)).mappings().all()
    if "?" in statement or "%s" in statement:
        message = "this server plans a statement for its values, and here are none"
        raise refused_statement(
            message, "put values in place of ? and %s, or give a statement of SQLAlchemy's with its values"
        )
    return (await connection.exec_driver_sql(f"{_WORDS[backend]} {statement}")).mappings().all()


async def _explain_prepared(connection: AsyncConnection, statement: str) -> Sequence[RowMapping]:
    """Planned for whatever the parameters are; what masks a literal is one more of them."""
    count = max((int(number) for number in _NUMBERED.findall(statement)), default=0)
    parts = statement.split("?")
    text = parts[0] + "".join(f"${count + at}{part}" for at, part in enumerate(parts[1:], start=1))
    unknown = ", ".join(["NULL"] * (count + len(parts) - 1))
    # It outlives the transaction, and behind PgBouncer our connection: it has a name of its own and always goes.
    name = f"myfy_explained_{secrets.token_hex(4)}"
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    await connection.exec_driver_sql(f"PREPARE {name} AS {text}")
    try:
        async with connection.begin_nested():
            execute = f"EXPLAIN EXECUTE {name}{f'({unknown})' if unknown else ''}"
            return (await connection.exec_driver_sql(execute)).mappings().all()
    finally:
        await connection.exec_driver_sql(f"DEALLOCATE {name}")


def _text_of(given: str, profile: str, known: Iterable[SlowQuery]) -> str:
    if not FINGERPRINT.fullmatch(given):
        return given
    found = next((each for each in known if each.profile == profile and each.fingerprint.startswith(given)), None)
    if found is None:
        message = f"nothing slow of profile {profile!r} has the fingerprint {given!r}"
        raise refused_statement(message, "give the statement, or one of the fingerprints in data.slow_queries()")
    return whole_text(found.statement)


def _line(row: RowMapping) -> str:
    if len(row) == 1:
        return str(next(iter(row.values())))
    if "detail" in row:  # SQLite: its other columns are numbers of its own
        return str(row["detail"])
    return ", ".join(f"{key}={value}" for key, value in row.items() if value is not None)
