"""PostgreSQL tells piece by piece how each object is made; the pieces are its own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, Row, text

from myfy_data.migrations.schema import postgresql_catalog as catalog
from myfy_data.migrations.schema.ordering import ordered


def read_schema(connection: Connection, hidden: list[str]) -> Iterator[str]:
    """The statements that make the schema, without tables of ours.

    Args:
        connection: the database, in a transaction that ends after this.
        hidden: names of tables to leave out, in lower case.
    """
    # With an empty path every name is told with its schema, whatever the role's own path is.
    connection.execute(text("SET LOCAL search_path TO ''"))
    ask = _Ask(connection, hidden)
    yield "SET check_function_bodies = false"
    for question in (catalog.SCHEMAS, catalog.EXTENSIONS, catalog.TYPES, catalog.DOMAINS, catalog.SEQUENCES):
        yield from ask.statements(question)
    yield from ask.statements(catalog.FUNCTIONS)
    yield from _tables(ask)
    for question in (catalog.SEQUENCE_OWNERS, catalog.KEYS, catalog.INDEXES, catalog.FOREIGN_KEYS):
        yield from ask.statements(question)
    yield from _views(ask)
    for question in (catalog.VIEW_INDEXES, catalog.RULES, catalog.TRIGGERS, catalog.ROW_SECURITY, catalog.POLICIES):
        yield from ask.statements(question)
    yield from ask.statements(catalog.COMMENTS)


class _Ask:
    def __init__(self, connection: Connection, hidden: list[str]) -> None:
        self._connection = connection
        self._hidden = hidden

    def rows(self, question: str) -> list[Row[*tuple[object, ...]]]:
        """The rows of a question about what is not of an extension, nor ours."""
        return list(self._connection.execute(text(question), {"hidden": self._hidden}))

    def statements(self, question: str) -> list[str]:
        """The statements, sorted as the database's clock and numbers have no part in."""
        return [row.made for row in sorted(self.rows(question), key=lambda row: (row.name, row.made))]


def _tables(ask: _Ask) -> Iterator[str]:
    columns: dict[str, list[str]] = defaultdict(list)
    for row in ask.rows(catalog.COLUMNS):
        columns[row.name].append(f"    {row.made}")
    for row in ask.rows(catalog.CHECKS):
        columns[row.name].append(f"    {row.made}")
    tables = {row.name: row for row in ask.rows(catalog.TABLES)}
    needs: dict[str, list[str]] = defaultdict(list)
    for row in ask.rows(catalog.PARENTS):
        needs[row.name].append(row.parent)
    for name in ordered(tables, needs):
        table = tables[name]
        if table.bound:
            yield f"CREATE {table.kind} {name} PARTITION OF {needs[name][0]} {table.bound}{table.behind}"
            continue
        inherits = f" INHERITS ({', '.join(needs[name])})" if needs[name] else ""
        body = ",\n".join(columns[name])
        yield f"CREATE {table.kind} {name} (\n{body}\n){inherits}{table.behind}"


def _views(ask: _Ask) -> Iterator[str]:
    views = {row.name: row.made.rstrip().rstrip(";") for row in ask.rows(catalog.VIEWS)}
    needs: dict[str, list[str]] = defaultdict(list)
    for row in ask.rows(catalog.VIEW_NEEDS):
        needs[row.name].append(row.parent)
    yield from (views[name] for name in ordered(views, needs))
