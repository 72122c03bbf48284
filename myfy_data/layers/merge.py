"""Merging: tables key by key, everything else replaces (contract C3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from myfy_data.origins import KeyPath

Tree = dict[str, Any]
"""A nested mapping; everything that is not a `dict` is a leaf, arrays included."""

OnClash = Callable[[KeyPath], None]
"""Told the path where one side has a table and the other a single value."""

MISSING: Any = object()
"""What `find` gives where there is nothing; None may be a value, in JSON and in arguments."""


def merge(lower: Tree, upper: Tree, on_clash: OnClash, path: KeyPath = ()) -> Tree:
    """`upper` over `lower`, as a new tree; neither is changed, because origins are found in them again."""
    merged = dict(lower)
    for key, value in upper.items():
        if key not in merged:
            merged[key] = value
            continue
        below = merged[key]
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = merge(below, value, on_clash, (*path, key))
            continue
        if isinstance(value, dict) != isinstance(below, dict):
            on_clash((*path, key))
        merged[key] = value
    return merged


def overlaps(one: Tree, other: Tree, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Each path where merging these two would lose something that one of them says."""
    for key, value in one.items():
        if key in other:
            beside = other[key]
            if isinstance(value, dict) and isinstance(beside, dict):
                yield from overlaps(value, beside, (*path, key))
            else:
                yield (*path, key)


def find(tree: object, path: KeyPath) -> object:
    """What stands at `path`; `MISSING` where there is nothing."""
    node = tree
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return MISSING
        node = node[key]
    return node


def without(tree: Tree, path: KeyPath) -> Tree:
    """A copy of `tree` that lacks the key at `path`."""
    head, *rest = path
    if not rest:
        return {key: value for key, value in tree.items() if key != head}
    return {**tree, head: without(tree[head], tuple(rest))}
