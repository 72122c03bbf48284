"""Reading a value from text: variables, `.env`, secret files, `--set` and interpolated strings."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

from myfy_data.layers.key_spec import Kind

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_LONGEST_NUMBER = 100  # int() of a million digits takes minutes
_MAX_DEPTH = 64


class Verbatim(str):
    """Text that no layer file wrote, so `${` in it is just text; remembers what its paths are relative to."""

    __slots__ = ("base_dir",)
    base_dir: Path | None

    def __new__(cls, value: str, base_dir: Path | None = None) -> Verbatim:
        """Text, and the directory that a path in it is relative to."""
        text = super().__new__(cls, value)
        text.base_dir = base_dir
        return text


def verbatim(value: object, base_dir: Path | None) -> object:
    """A copy of `value` in which every text, at any depth, is `Verbatim`; paths become text."""
    if isinstance(value, str):
        return Verbatim(value, base_dir)
    if isinstance(value, os.PathLike):
        return Verbatim(os.fspath(value), base_dir)
    if isinstance(value, Mapping):
        return {str(key): verbatim(item, base_dir) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [verbatim(item, base_dir) for item in value]
    return value


class TextError(ValueError):
    """Text that does not read as its kind; `expected` says in words what would."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(f"expected {expected}")


def read_secret_text(text: str) -> str:
    """The secret that `text` means: one newline at its end, which editors and mounts leave there, is not part of it."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def read_text(kind: Kind, text: str) -> object:
    """The value that `text` means for a key of this kind.

    Raises:
        TextError: it means none.
    """
    if kind is Kind.TEXT:
        return text.strip()
    stripped = text.strip()
    if kind is Kind.BOOLEAN:
        return _read_boolean(stripped)
    if kind in (Kind.INTEGER, Kind.NUMBER):
        return _read_number(kind, stripped)
    if kind is Kind.LIST:
        return _read_list(stripped)
    return _read_json(kind, stripped)


def _read_boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise TextError(Kind.BOOLEAN.value) from None


def _read_list(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise TextError(Kind.LIST.value)
    return items


def _read_number(kind: Kind, text: str) -> int | float:
    pattern = _INTEGER if kind is Kind.INTEGER else _NUMBER
    if len(text) > _LONGEST_NUMBER or not pattern.fullmatch(text):
        raise TextError(kind.value)
    number = int(text) if kind is Kind.INTEGER else float(text)
    if not math.isfinite(number):
        raise TextError(kind.value)
    return number


def _read_json(kind: Kind, text: str) -> object:
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
    except _TwiceError:
        raise TextError(f"{kind.value} that says each key once") from None
    except (ValueError, RecursionError):
        raise TextError(kind.value) from None
    if kind is not Kind.JSON_VALUE and not isinstance(value, dict):
        raise TextError(kind.value)
    if _depth(value) > _MAX_DEPTH:
        raise TextError(f"{kind.value} of at most {_MAX_DEPTH} levels")
    return value


class _TwiceError(ValueError):
    """A JSON object says a key twice."""


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise _TwiceError
    return table


def _depth(value: object) -> int:
    level, current = 0, [value]
    while current and level <= _MAX_DEPTH:
        level += 1
        current = [
            item
            for holder in current
            if isinstance(holder, dict | list)
            for item in (holder.values() if isinstance(holder, dict) else holder)
        ]
    return level
