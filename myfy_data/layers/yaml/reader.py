"""Reads YAML from the parser's events: one pass gives values, places, limits and duplicates (contract C3.9).

PyYAML's own loaders go by YAML 1.1, keep the last of two equal keys, and crash or never end on hostile input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from yaml.reader import ReaderError

from myfy_data.errors import Problem
from myfy_data.layers.syntax import LayerSyntaxError, Limits, Locate, Place, Places, shown
from myfy_data.layers.yaml.builder import Builder, Stop
from myfy_data.layers.yaml.frames import Event, Mark, place_of
from myfy_data.layers.yaml.scalars import kind_of
from myfy_data.origins import KeyPath

# They end a line in YAML 1.1 and do not in 1.2: PyYAML would change the text and count lines that no editor shows.
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")

# The Python parser lets what bad escapes raise through.
_PARSER_ERRORS = (yaml.YAMLError, ValueError, OverflowError)

NodePath = tuple[str | int, ...]


def parse_yaml(
    text: str, name: str, limits: Limits, strict_below: str | None = "data"
) -> tuple[dict[str, object], Locate]:
    """Read YAML text.

    Args:
        text: the file's text without a byte order mark.
        name: how messages call the file.
        limits: what the file may hold at most.
        strict_below: the top-level key that must have a value, as must everything in it (contract C3.4).

    Returns:
        The tree, in which the aliases of one anchor share one object, and the function that finds a key's place.

    Raises:
        LayerSyntaxError: the text is not YAML, is beyond the limits, or uses what a layer may not use.
    """
    builder = Builder(text, name, limits)
    tree = _read(builder, strict_below)
    if builder.problems:
        problems = sorted(builder.problems, key=lambda found: found[0])
        raise LayerSyntaxError([problem for _, problem in problems])
    return tree, _Positions(builder.root.places.inner.get(0, Places()))


def _read(builder: Builder, strict_below: str | None) -> dict[str, object]:
    try:
        if odd := _ODD_BREAKS.search(builder.text):
            raise ReaderError(builder.name, odd.start(), ord(odd[0]), "unicode", "a line break of YAML 1.1")
        builder.build(_events(builder.text))
        tree = _root(builder)
        if strict_below in tree and builder.nulls:
            _require_values(builder, {strict_below: tree[strict_below]})
    except Stop:
        return {}
    except _PARSER_ERRORS as error:
        builder.problems = _refused(error, builder)
        return {}
    return tree


def _events(text: str) -> Callable[[], Event]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is missing on some platforms
    next_event: Callable[[], Event] = loader(text).get_event
    return next_event


def _refused(error: Exception, builder: Builder) -> list[tuple[Place, Problem]]:
    """All problems of a text that the parser refused: what stands before its place and ends the reading, ends it first.

    libyaml reads up to 1024 characters ahead of the events that it gives. Since 0.2.6 it refuses more than 1000 levels
    there, so the events of the first 64 never came; without the text that was refused they do.
    """
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        ahead = Builder(builder.text[: mark.index], builder.name, builder.limits)
        try:
            ahead.build(_events(ahead.text))
        except Stop:
            return ahead.problems
        except _PARSER_ERRORS:
            pass  # a text that was cut off is seldom YAML
    from myfy_data.layers.yaml.errors import explain_yaml  # noqa: PLC0415 - needed only for messages

    return [*builder.problems, explain_yaml(error, builder)]


def _root(builder: Builder) -> dict[str, object]:
    root = builder.root.node[0] if builder.root.node else None
    if root is None:
        return {}
    if not isinstance(root, dict):
        message = f"expected a table at the top, found {kind_of(root)}"
        builder.problem(builder.root.places[0], "", message, "write `key: value`, with a space after the colon")
        raise Stop
    return root


def _require_values(builder: Builder, tree: Mapping[str, object]) -> None:
    told = set()
    for path, mark in _empty(tree, builder.root.places.inner[0], ()):
        if mark.index not in told:  # an alias repeats its anchor's
            told.add(mark.index)
            _no_value(builder, path, mark)


def _empty(node: Any, places: Places[Mark], above: NodePath) -> Iterator[tuple[NodePath, Mark]]:
    for key, value in node.items() if type(node) is dict else enumerate(node):
        if value is None:
            yield (*above, key), places[key]
        elif type(value) in (dict, list):
            yield from _empty(value, places.inner[key], (*above, key))


def _no_value(builder: Builder, path: NodePath, mark: Mark) -> None:
    key, last = shown(path), shown(path[-1:])
    if mark.index in builder.bare:
        builder.problem(
            mark, shown(path[:-1]), "a key without ':' and a value", "write `key: value`, with a space after the colon"
        )
    elif len(path) == 1:
        builder.problem(mark, key, "has no value", f"{last}: {{}}")
    elif isinstance(path[-1], int):
        builder.problem(mark, key, "has no value", "delete the item, or write '' for empty text")
    else:
        fact = f"for empty text write {last}: '', for an empty table {last}: {{}}; to change nothing delete the line"
        builder.problem(mark, key, "has no value", f"unset: [{last}]  # removes what a lower layer put there", (fact,))


class _Positions:
    """Finds key places by the marks of the events."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Places[Mark]) -> None:
        self._keys = keys

    def __call__(self, path: KeyPath) -> Place | None:
        mark = self._keys.find(path)
        return None if mark is None else place_of(mark)
