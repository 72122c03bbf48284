"""Errors on purpose: what a server would raise at the next statement or COMMIT (contract C13.3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from myfy_data.engines.driver_errors import mysql_error, postgresql_error
from myfy_data.errors import ConfigError, Problem
from myfy_data.testing.running import RunningTest

_MYSQL = {
    "40001": (1213, "Deadlock found when trying to get lock; try restarting transaction"),
    "23000": (1062, "Duplicate entry"),
    "25006": (1792, "Cannot execute statement in a READ ONLY transaction"),
    "HY000": (1205, "Lock wait timeout exceeded; try restarting transaction"),
    "42000": (1064, "You have an error in your SQL syntax"),
}


@dataclass(slots=True, eq=False)
class Refusal:
    """A rule: the next statements or COMMITs of a profile fail.

    Used by itself it holds until the test's end; `with` it must fire inside the block.

    Attributes:
        profile: whose statements fail.
        sqlstate: the error's code in SQL.
        times: how often.
        left: how often it is still to fire.
    """

    profile: str
    sqlstate: str
    times: int
    left: int

    def check(self) -> None:
        """Make sure that it fired as often as it was told to.

        Raises:
            AssertionError: it did not.
        """
        if self.left:
            fired = self.times - self.left
            raise AssertionError(
                f"refuse({self.profile!r}, sqlstate={self.sqlstate!r}, times={self.times}) fired {fired} times only"
            )

    def __enter__(self) -> Refusal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.check()
        finally:
            self.left = 0


def attach_refusals(engine: Engine, profile: str, test: RunningTest) -> None:
    """Let the rules of a test act on an engine. These are the dialect's own methods, below every listener."""
    dialect: Any = engine.dialect

    def refuse_if_due(find: Callable[[], object]) -> None:
        rule = next((rule for rule in test.rules if rule.profile == profile and rule.left), None)
        if rule is not None:
            rule.left -= 1
            _raise(dialect, find(), rule.sqlstate)

    def executing(method: Callable[..., None]) -> Callable[..., None]:
        def execute(cursor: DBAPICursor, *arguments: object, **options: object) -> None:
            if test.rules:
                context: Any = arguments[-1] if arguments else options.get("context")
                refuse_if_due(lambda: context.root_connection.connection.dbapi_connection)
            method(cursor, *arguments, **options)

        return execute

    def commit(connection: Any) -> None:
        refuse_if_due(lambda: connection.dbapi_connection)
        send(connection)

    send = dialect.do_commit
    dialect.do_commit = commit
    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        setattr(dialect, name, executing(getattr(dialect, name)))


def _raise(dialect: Dialect, connection: Any, sqlstate: str) -> None:
    """Raise what the driver would raise for an error of the server."""
    if dialect.name == "postgresql":
        connection.raise_from_server(postgresql_error(sqlstate))
    if dialect.name in ("mysql", "mariadb"):
        raise mysql_error(*_MYSQL[sqlstate])
    raise sqlite3.OperationalError("database is locked" if sqlstate == "40001" else f"refused on purpose: {sqlstate}")


def check_sqlstate(backend: str, sqlstate: str) -> None:
    """Refuse a code that the database does not have.

    Raises:
        ConfigError: it has not.
    """
    if backend == "mysql" and sqlstate not in _MYSQL:
        known = ", ".join(_MYSQL)
        message = f"no error of MySQL is known for {sqlstate!r}; known: {known}"
        raise ConfigError([Problem("argument", "sqlstate", message, fix='sqlstate="40001"')])
