"""Rows out of a TOML or YAML file: which table, what tells a row from the others, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.files.document import Document, LayerSyntaxError, read_document
from myfy_data.layers.syntax import spot
from myfy_data.seeds.files import SeedFile
from myfy_data.suggestions import nearest

_BLOCK_KEYS = ("key", "rows")
_SAMPLE = '[[users]] key = ["email"] rows = [{ email = "ada@example.org", name = "Ada" }]'


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One row.

    Attributes:
        values: what it holds, by column.
        places: where each column is said, as `file:line:column`.
        place: where the row is said.
    """

    values: Mapping[str, Any]
    places: Mapping[str, str]
    place: str


@dataclass(frozen=True, slots=True)
class SeedBlock:
    """Rows of one table.

    Attributes:
        table: its name, with its schema before a dot.
        key: the columns that tell a row from the others.
        rows: the rows.
        place: where the table is named.
    """

    table: str
    key: tuple[str, ...]
    rows: tuple[SeedRow, ...]
    place: str


@dataclass(slots=True)
class _Reader:
    document: Document
    problems: list[Problem] = field(default_factory=list)

    def blocks(self) -> Iterator[SeedBlock]:
        for table, said in self.document.tree.items():
            listed = said if isinstance(said, list) else [said]
            for index, block in enumerate(listed):
                path = (table, index) if isinstance(said, list) else (table,)
                read = self._block(table, block, path)
                if read is not None:
                    yield read

    def _block(self, table: str, block: object, path: tuple[object, ...]) -> SeedBlock | None:
        place = self._place(*path)
        if not isinstance(block, dict):
            self._problem(place, table, "is no table of rows", _SAMPLE)
            return None
        for name in block:
            if name not in _BLOCK_KEYS:
                near = nearest(name, _BLOCK_KEYS)
                hint = f". Did you mean {near!r}?" if near else ""
                fix = f"rename it to {near}" if near else "delete it"
                self._problem(
                    self._place(*path, name), f"{table}.{name}", f"beside rows and key nothing counts{hint}", fix
                )
        key = self._key(table, block.get("key"), path)
        rows = tuple(self._rows(table, block.get("rows"), key, path))
        return SeedBlock(table, key, rows, place)

    def _key(self, table: str, said: object, path: tuple[object, ...]) -> tuple[str, ...]:
        if isinstance(said, list) and said and all(isinstance(column, str) for column in said):
            return tuple(said)
        message = "names no columns, and without them a second run would store every row again"
        self._problem(self._place(*path, "key"), f"{table}.key", message, 'key = ["id"], or what else is unique')
        return ()

    def _rows(self, table: str, said: object, key: tuple[str, ...], path: tuple[object, ...]) -> Iterator[SeedRow]:
        if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
            self._problem(self._place(*path, "rows"), f"{table}.rows", "is no list of rows", _SAMPLE)
            return
        for index, row in enumerate(said):
            inside = (*path, "rows", index)
            place = self._place(*inside)
            for column in key:
                if row.get(column) is None:
                    self._problem(place, table, f"the row has no {column!r}, which is its key", f"{column} = ...")
            yield SeedRow(row, {column: self._place(*inside, column) for column in row}, place)

    def _place(self, *path: Any) -> str:
        """Where a key stands; where its table does when it has no place of its own."""
        while path:
            found = self.document.key_place(path)
            if found is not None:
                return spot(self.document.name, found)
            path = path[:-1]
        return self.document.name

    def _problem(self, place: str, key: str, message: str, fix: str) -> None:
        self.problems.append(Problem(place, key, message, fix=fix))


def read_rows(file: SeedFile) -> list[SeedBlock]:
    """The rows of a file.

    Raises:
        ConfigError: the file cannot be read, or says something that is no rows; everything at once.
    """
    try:
        document = read_document(file.path, file.place)
    except LayerSyntaxError as error:
        raise ConfigError(error.problems) from None
    reader = _Reader(document)
    found = list(reader.blocks())
    if reader.problems:
        raise ConfigError(reader.problems)
    return found
