"""Reads TOML: parsed by tomli, held to the limits, key places found on demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomli

from myfy_data.layers.syntax import LayerSyntaxError, Limits, Lines, Locate, Place, Places, TooManyValuesError
from myfy_data.origins import KeyPath

_HOLDERS = frozenset({dict, list})

# tomli's time grows with the square of a key's parts, so keys that may be deep are looked at before it sees them.
_MANY_DOTS = re.compile(r"\.(?:[^\n.]*+\.){63}")


def parse_toml(text: str, name: str, limits: Limits) -> tuple[dict[str, object], Locate]:
    """Read TOML text.

    Args:
        text: the file's text without a byte order mark.
        name: how messages call the file.
        limits: what the file may hold at most.

    Returns:
        The tree, and the function that finds the place of a key.

    Raises:
        LayerSyntaxError: the text is not TOML, or is beyond the limits.
    """
    failure: Exception | None = None
    tree: dict[str, Any] = {}
    try:
        _check_keys(text, limits)
        tree = tomli.loads(text)
        _check_tree(tree, limits)
    except (ValueError, RecursionError) as error:
        failure = error
    if failure is not None:
        from myfy_data.layers.toml.errors import explain_toml  # noqa: PLC0415 - needed only for messages

        raise LayerSyntaxError(explain_toml(failure, text, name, limits))
    return tree, _Positions(text, limits.depth)


def _check_keys(text: str, limits: Limits) -> None:
    if _MANY_DOTS.search(text):
        from myfy_data.layers.toml.positions import scan_toml  # noqa: PLC0415 - most loads need no places

        if scan_toml(text, limits.depth).deep is not None:
            raise RecursionError


def _check_tree(tree: Mapping[str, object], limits: Limits) -> None:
    values = depth = 0
    level: list[Any] = [tree]
    while level:
        depth += 1
        if depth > limits.depth:
            raise RecursionError
        values += sum(map(len, level))
        if values > limits.values:
            raise TooManyValuesError
        level = [
            item
            for holder in level
            for item in (holder.values() if type(holder) is dict else holder)
            if type(item) in _HOLDERS
        ]


class _Positions:
    """Finds key places; the text is scanned at the first call."""

    __slots__ = ("_depth", "_keys", "_lines", "_text")

    def __init__(self, text: str, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._keys: Places[int] | None = None

    def __call__(self, path: KeyPath) -> Place | None:
        if self._keys is None:
            from myfy_data.layers.toml.positions import scan_toml  # noqa: PLC0415 - most loads need no places

            self._lines = Lines(self._text)
            self._keys = scan_toml(self._text, self._depth).keys
        offset = self._keys.find(path)
        return None if offset is None else self._lines.place(offset)
