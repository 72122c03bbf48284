"""Alembic's differences between models and a database, in words: what an upgrade would have to do."""

from __future__ import annotations

from typing import Any


def described(difference: Any) -> str:
    """One difference on one line, such as `add column users.age`; changes of one column come as a list."""
    if isinstance(difference, list):
        return "; ".join(described(change) for change in difference)
    action, *items = difference
    words = action.replace("_", " ")
    if action.endswith("_column"):
        _, table, column = items
        return f"{words} {table}.{column.name}"
    if action.startswith("modify_"):
        _, table, column, _, before, after = items
        return f"{words} {table}.{column}: {before} -> {after}"
    return f"{words} {_named(items[0])}"


def _named(item: object) -> str:
    table, name = getattr(item, "table", None), getattr(item, "name", None)
    if table is None:
        return str(name if name is not None else item)
    columns = ", ".join(getattr(item, "columns", {}).keys())
    return f"{name or f'({columns})'} on {table.name}"
