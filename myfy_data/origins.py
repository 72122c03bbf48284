"""Where a value came from: key paths and origins (contract C3.10).

A key path is the address of a value in the merged tree, written `profiles.analytics.pool_size`.
An origin is the place a person must edit to change that value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

KeyPath = tuple[str, ...]
"""The address of a value; `("profiles", "analytics", "pool_size")`."""


_PART = re.compile(r'(?:^|\.)(?:"([^"]*)"|([^.]*))')


def parse_key(text: str) -> KeyPath:
    """Split a dotted key as people write it; quotes keep a dot: `connect_args."server.name"`."""
    if '"' not in text:
        return tuple(text.split("."))
    return tuple(quoted or plain for quoted, plain in _PART.findall(text))


def format_key(path: KeyPath) -> str:
    """Join a key path as people read it; the inverse of `parse_key`."""
    return ".".join(f'"{part}"' if "." in part else part for part in path)


@dataclass(frozen=True, slots=True)
class Origin:
    """The record of where one value came from.

    Attributes:
        source: a file's path, or `environment`, `default`, `argument`.
        line: 1-based line of the key; files only.
        column: 1-based column of the key, in characters; files only.
        variable: name of the variable; environment and `.env` only.
    """

    source: str
    line: int | None = None
    column: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.source}:{self.line}:{self.column}"
        if self.variable is not None:
            prefix = "env" if self.source == "environment" else self.source
            return f"{prefix} {self.variable}"
        return self.source


DEFAULT = Origin("default")
"""The origin of every value that no layer set."""

Blame = Callable[[KeyPath], tuple[Origin, KeyPath]]
"""Finds where a value is said, and under which key there: an inherited value is its parent's."""
