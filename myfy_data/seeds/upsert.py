"""Storing rows by their key: what is missing is inserted, what differs is changed, what is so already is left alone.

The same on every database. What a row holds is compared as the database gives it back, and a change that changes
nothing there, such as a number that is rounded to what it was, is taken back (ADR 0040).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, MetaData, Table, and_, insert, inspect, select, update
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql import ColumnElement

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.metadata import load_metadata
from myfy_data.migrations.target import Target
from myfy_data.seeds.report import FileReport
from myfy_data.seeds.rows import SeedBlock, SeedRow
from myfy_data.seeds.values import ValueRefusedError, convert
from myfy_data.suggestions import nearest


@dataclass(slots=True)
class RowStore:
    """Stores rows of one profile's database, inside of the transaction that its connection is in."""

    target: Target
    connection: Connection
    _tables: dict[str, Table] = field(default_factory=dict)

    def store(self, block: SeedBlock, report: FileReport) -> None:
        """Store the rows of one table, and count them.

        Raises:
            ConfigError: there is no such table or column, a value is none that its column takes, or the key tells no
                single row; everything that is wrong with the block at once, before its first row is stored.
        """
        table = self._table(block)
        columns = {column.name: column for column in table.columns}
        problems = [*_unknown_columns(block, columns)]
        rows = [] if problems else [_converted(row, columns, problems) for row in block.rows]
        if problems:
            raise ConfigError(problems)
        for row, values in zip(block.rows, rows, strict=True):
            self._store_row(_Found(table, columns, block, row), values, report)

    def _store_row(self, found: _Found, values: Mapping[str, object], report: FileReport) -> None:
        before = self._stored(found, values)
        if before is None:
            self.connection.execute(insert(found.table).values(found.by_column(values)))
            report.inserted += 1
        elif before == values or not self._change(found, values, before):
            report.unchanged += 1
        else:
            report.updated += 1

    def _change(self, found: _Found, values: Mapping[str, object], before: Mapping[str, object]) -> bool:
        """Change a row; whether that came to anything. What comes to nothing is taken back."""
        savepoint = self.connection.begin_nested()
        self.connection.execute(update(found.table).where(found.is_it(values)).values(found.by_column(values)))
        if self._stored(found, values) == before:
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    def _stored(self, found: _Found, values: Mapping[str, object]) -> dict[str, object] | None:
        wanted = [found.columns[name] for name in values]
        rows = self.connection.execute(select(*wanted).where(found.is_it(values)).limit(2)).all()
        if len(rows) > 1:
            message = (
                f"more than one row has this {' and '.join(found.block.key)}, so it is no key of {found.block.table}"
            )
            raise ConfigError(
                [Problem(found.row.place, found.block.table, message, fix='key = ["id"], or what is unique')]
            )
        return dict(zip(values, rows[0], strict=True)) if rows else None

    def _table(self, block: SeedBlock) -> Table:
        known = self._tables.get(block.table)
        if known is None:
            known = self._tables[block.table] = self._find_table(block)
        return known

    def _find_table(self, block: SeedBlock) -> Table:
        """The application's own table, whose types and defaults it knows; else the one that the database has."""
        schema, _, name = block.table.rpartition(".")
        look = inspect(self.connection)
        if not look.has_table(name, schema=schema or None):
            raise ConfigError([_no_table(self.target, block, look.get_table_names(schema=schema or None))])
        metadata = load_metadata(self.target)
        if metadata is not None and block.table in metadata.tables:
            return metadata.tables[block.table]
        try:
            return Table(name, MetaData(), schema=schema or None, autoload_with=self.connection, resolve_fks=False)
        except NoSuchTableError:
            raise ConfigError([_no_table(self.target, block, [])]) from None


@dataclass(frozen=True, slots=True)
class _Found:
    """A row, and the table that it belongs to."""

    table: Table
    columns: dict[str, Any]
    block: SeedBlock
    row: SeedRow

    def is_it(self, values: Mapping[str, object]) -> ColumnElement[bool]:
        return and_(*(self.columns[name] == values[name] for name in self.block.key))

    def by_column(self, values: Mapping[str, object]) -> dict[object, object]:
        return {self.columns[name]: value for name, value in values.items()}


def _converted(row: SeedRow, columns: dict[str, Any], problems: list[Problem]) -> dict[str, object]:
    values = {}
    for name, value in row.values.items():
        try:
            values[name] = convert(columns[name], value)
        except ValueRefusedError as error:
            problems.append(Problem(row.places[name], name, f"{error}, got {_kind(value)}", fix=f"{name} = ..."))
    return values


def _kind(value: object) -> str:
    """What a value is, in a word; a seed may hold what is not to be repeated."""
    names = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else f"a {type(value).__name__}")


def _unknown_columns(block: SeedBlock, columns: Mapping[str, object]) -> Iterator[Problem]:
    for name in block.key:
        if name not in columns:
            yield _no_column(block.place, block.table, name, columns)
    for row in block.rows:
        for name in row.values:
            if name not in columns:
                yield _no_column(row.places[name], block.table, name, columns)


def _no_column(place: str, table: str, name: str, columns: Mapping[str, object]) -> Problem:
    near = nearest(name, columns)
    hint = f". Did you mean {near!r}?" if near else f"; it has {', '.join(columns)}"
    return Problem(place, table, f"has no column {name!r}{hint}", fix=f"rename it to {near}" if near else "delete it")


def _no_table(target: Target, block: SeedBlock, names: list[str]) -> Problem:
    near = nearest(block.table, names)
    message = "the database has no such table" + (f". Did you mean {near!r}?" if near else "")
    upgrade = f"myfy-data db upgrade --profile {target.profile}"
    return Problem(block.place, block.table, message, fix=f"rename it to {near}" if near else upgrade)
