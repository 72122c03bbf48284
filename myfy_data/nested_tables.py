"""The tables inside of a parsed value, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def nested_tables(told: object) -> Iterator[dict[Any, Any]]:
    """The tables in a value, itself first, then level by level; each once, as an alias of YAML is the same one again.

    Args:
        told: what a parser of JSON or YAML made.
    """
    waiting, seen = [told], set[int]()
    for one in waiting:  # which grows meanwhile
        if not isinstance(one, dict | list) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            yield one
        waiting += one.values() if isinstance(one, dict) else one
