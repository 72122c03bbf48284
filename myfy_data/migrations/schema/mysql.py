"""MySQL and MariaDB tell by SHOW CREATE how each object is made, and then some: rows counted, hosts, their own name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, text

from myfy_data.migrations.schema.ordering import ordered

_TABLES = """
SELECT table_name, table_type FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type <> 'SYSTEM VIEW'
"""
_CODE = {
    "FUNCTION": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = DATABASE() AND routine_type = 'FUNCTION'",
    "PROCEDURE": "SELECT routine_name FROM information_schema.routines"
    " WHERE routine_schema = DATABASE() AND routine_type = 'PROCEDURE'",
    "TRIGGER": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "EVENT": "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()",
}
_PLACE = {"FUNCTION": 2, "PROCEDURE": 2, "TRIGGER": 2, "EVENT": 3}
"""In which column of SHOW CREATE the statement stands."""

_DEFINER = re.compile(r"\sDEFINER=(?:`[^`]*`|'[^']*'|\w+)@(?:`[^`]*`|'[^']*'|[\w.%]+)")
_ROWS = re.compile(r"( AUTO_INCREMENT)=\d+")


def read_schema(connection: Connection, hidden: list[str]) -> Iterator[str]:
    """The statements that make the schema, without tables of ours.

    Args:
        connection: the database.
        hidden: names of tables to leave out, in lower case.
    """
    tables = {row[0]: row[1] for row in connection.execute(text(_TABLES)) if row[0].lower() not in hidden}
    show = _Show(connection)
    yield "SET FOREIGN_KEY_CHECKS = 0"
    yield from (show("SEQUENCE", name) for name in _of(tables, lambda kind: kind == "SEQUENCE"))
    yield from (show.table(name) for name in _of(tables, lambda kind: kind not in ("SEQUENCE", "VIEW")))
    for kind in ("FUNCTION", "PROCEDURE"):
        yield from _code(connection, show, kind)
    views = {name: show("VIEW", name) for name in _of(tables, lambda kind: kind == "VIEW")}
    needs = {name: [other for other in views if f"`{other}`" in made] for name, made in views.items()}
    yield from (views[name] for name in ordered(views, needs))
    for kind in ("TRIGGER", "EVENT"):
        yield from _code(connection, show, kind)


def _of(tables: dict[str, str], wanted: Callable[[str], bool]) -> Sequence[str]:
    return sorted(name for name, kind in tables.items() if wanted(kind))


def _code(connection: Connection, show: _Show, kind: str) -> Iterator[str]:
    names = sorted(row[0] for row in connection.execute(text(_CODE[kind])))
    yield from (show(kind, name, _PLACE[kind]) for name in names)


class _Show:
    """Asks for one object, and takes out what is this server's: accounts, hosts and the database's own name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._quote = connection.dialect.identifier_preparer.quote_identifier
        self._own = f"{self._quote(str(connection.scalar(text('SELECT DATABASE()'))))}."

    def __call__(self, kind: str, name: str, place: int = 1) -> str:
        made = self._made(kind, name, place)
        return _DEFINER.sub("", made, count=1).replace(self._own, "")

    def table(self, name: str) -> str:
        """A table; how many rows it had is no part of it."""
        body, end, options = self._made("TABLE", name, 1).rpartition("\n)")
        return f"{body}{end}{_ROWS.sub('', options, count=1)}".replace(self._own, "")

    def _made(self, kind: str, name: str, place: int) -> str:
        shown = self._connection.exec_driver_sql(
            f"SHOW CREATE {kind} {self._quote(name)}", execution_options={"no_parameters": True}
        )
        return str(shown.one()[place])
