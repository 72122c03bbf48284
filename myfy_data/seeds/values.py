"""A file's value as a column takes it: a date that YAML writes as text becomes a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column

_FROM_TEXT: Mapping[type, tuple[Callable[[str], Any], str]] = {
    datetime: (datetime.fromisoformat, "a date and time, such as 2026-01-31T12:00:00"),
    date: (date.fromisoformat, "a date, such as 2026-01-31"),
    time: (time.fromisoformat, "a time, such as 12:00:00"),
    UUID: (UUID, "a UUID"),
    Decimal: (Decimal, "a number"),
}
_PLAIN: Mapping[type, tuple[tuple[type, ...], str]] = {
    int: ((int, bool), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool, int), "true or false"),
    str: ((str,), "text"),
}


class ValueRefusedError(ValueError):
    """A value is not what its column takes; the text says what would be."""


def convert(column: Column[object], value: object) -> object:
    """The value as the column's driver takes it.

    Raises:
        ValueRefusedError: it is no such value.
    """
    wanted = _python_type(column)
    if value is None or wanted is None:
        return value
    if wanted is Decimal and isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    if wanted in _FROM_TEXT:
        return _read(*_FROM_TEXT[wanted], wanted, value)
    if wanted in _PLAIN and not _is_enum(column):
        taken, words = _PLAIN[wanted]
        if not isinstance(value, taken):
            raise ValueRefusedError(f"expected {words}")
    return value


def _read(read: Callable[[str], object], words: str, wanted: type, value: object) -> object:
    if isinstance(value, wanted):
        return value
    try:
        if not isinstance(value, str):
            raise ValueRefusedError(f"expected {words}")
        return read(value)
    except (ValueError, ArithmeticError):
        raise ValueRefusedError(f"expected {words}") from None


def _python_type(column: Column[object]) -> type | None:
    try:
        return column.type.python_type
    except NotImplementedError:  # a type of one database alone, such as INET: its driver judges
        return None


def _is_enum(column: Column[object]) -> bool:
    return getattr(column.type, "enum_class", None) is not None
