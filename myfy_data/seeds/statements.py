"""The statements of a file of SQL, each with its line.

Only where one ends is looked at: what stands in quotes, in comments and, in PostgreSQL, between dollars ends none.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTES = {
    "postgresql": r"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$""",
    "mysql": r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|\#[^\n]*""",
    "sqlite": r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]""",
}
_COMMENTS = r"--[^\n]*|/\*.*?\*/"
_GAPS = {
    backend: re.compile(rf"(?:\s+|{_COMMENTS}{more})*", re.DOTALL)
    for backend, more in (("postgresql", ""), ("mysql", r"|\#[^\n]*"), ("sqlite", ""))
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        text: the statement, without what ends it.
        line: where it begins, from 1.
    """

    text: str
    line: int


def split_statements(text: str, backend: str) -> list[Statement]:
    """The statements of a text of SQL.

    Args:
        text: the text.
        backend: `sqlite`, `postgresql` or `mysql`.
    """
    return list(_statements(text, backend))


def _statements(text: str, backend: str) -> Iterator[Statement]:
    token = re.compile(f"{_COMMENTS}|{_QUOTES[backend]}|;", re.DOTALL)
    begin = 0
    for found in token.finditer(text):
        if found[0] != ";" or not _is_complete(text[begin : found.end()], backend):
            continue
        yield from _statement(text, begin, found.start(), backend)
        begin = found.end()
    yield from _statement(text, begin, len(text), backend)


def _is_complete(text: str, backend: str) -> bool:
    """Whether a `;` ends the statement: SQLite's triggers hold others."""
    return backend != "sqlite" or sqlite3.complete_statement(text)


def _statement(text: str, begin: int, end: int, backend: str) -> Iterator[Statement]:
    gap = _GAPS[backend].match(text, begin, end)
    first = gap.end() if gap is not None else begin
    body = text[first:end].strip()
    if body:
        yield Statement(body, text.count("\n", 0, first) + 1)
