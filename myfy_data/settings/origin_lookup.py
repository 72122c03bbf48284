"""Which layer set what: origins by replaying the layers on demand (contract C3.10, ADR 0003).

Nothing is recorded while loading. A question folds the same layers again, with leaves that know their layer, so
the answer follows the same rules as the load by construction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.layers.merge import MISSING, find
from myfy_data.origins import DEFAULT, KeyPath, Origin
from myfy_data.profiles.inheritance import Inheritance
from myfy_data.profiles.merge import LayerMerger
from myfy_data.settings.key_spec import KEY_SPEC


@dataclass(frozen=True, slots=True)
class Said:
    """A value that knows where it stands."""

    layer: Layer
    path: KeyPath
    value: Any

    @property
    def origin(self) -> Origin:
        """Where the layer says it."""
        return self.layer.origin(self.path)


def _said_tree(layer: Layer, path: KeyPath, tree: Tree) -> Tree:
    return {
        key: _said_tree(layer, (*path, key), value) if isinstance(value, dict) else Said(layer, (*path, key), value)
        for key, value in tree.items()
    }


class OriginLookup:
    """Answers where values come from.

    Args:
        layers: all layers, lowest first.
        names: all declared profiles, abstract ones included.
    """

    def __init__(self, layers: Sequence[Layer], names: Sequence[str]) -> None:
        self.layers = layers
        self._names = names

    @cached_property
    def _inheritance(self) -> Inheritance:
        return Inheritance(LayerMerger(self.layers, KEY_SPEC, Findings(), view=_view), self._names)

    def origin(self, path: KeyPath) -> Origin:
        """The origin of the value at `path`."""
        winner = self.winner(path)
        return winner.origin if winner is not None else DEFAULT

    def blame(self, path: KeyPath) -> tuple[Origin, KeyPath]:
        """Where a message about `path` should point, and the key there: an inherited value is its parent's."""
        winner = self.winner(path)
        if winner is not None:
            return winner.origin, winner.path
        said = [layer for layer in self.layers if len(path) > 1 and path[1] in layer.profiles]
        origins = [layer.origin(path[:2]) for layer in said]
        # A file before a variable: there is the table in which something is missing.
        places = [origin for origin in origins if origin.line is not None and origin.variable is None]
        return next(iter(places or origins), DEFAULT), path

    def winner(self, path: KeyPath) -> Said | None:
        """What was said for `path` by the layer that won; None when no layer says anything."""
        if path[0] != "profiles":
            return next(iter(self._root(path)), None)
        if len(path) < 3:
            return None
        said = self.survivors(path)
        if not said:
            return next(self._in_profiles(path), None) if find(self._folded(path), path[2:]) is not MISSING else None
        # Layers may fill a table together: the highest one is where to look first.
        highest = max(said, key=lambda leaf: self._height(leaf.layer))
        if len(highest.path) <= len(path):
            return highest
        return Said(highest.layer, highest.path[: len(path)], None)

    def survivors(self, path: KeyPath) -> list[Said]:
        """The values in force at `path` and below it."""
        if path[0] != "profiles":
            return self._root(path)[:1]
        tree: Any = self._folded(path)
        for key in path[2:]:
            if isinstance(tree, Said):
                return [tree]  # one value for the whole table that the key belongs to
            if key not in tree:
                return []
            tree = tree[key]
        return list(_leaves(tree)) if len(path) > 2 else []

    def all_said(self, path: KeyPath) -> list[Said]:
        """All that was ever said for `path`, the highest layer first, the profile itself before its parents."""
        return self._root(path) if path[0] != "profiles" else list(self._in_profiles(path))

    def _folded(self, path: KeyPath) -> Tree:
        return self._inheritance.resolve(path[1]) if len(path) > 2 else {}

    def _height(self, layer: Layer) -> int:
        return next(height for height, other in enumerate(self.layers) if other is layer)

    def _in_profiles(self, path: KeyPath) -> Iterator[Said]:
        for name in self._inheritance.ancestors(path[1]):
            for layer in reversed(self.layers):
                value = find(layer.profiles, (name, *path[2:]))
                if value is not MISSING:
                    yield Said(layer, ("profiles", name, *path[2:]), value)

    def _root(self, path: KeyPath) -> list[Said]:
        found = [(layer, find(layer.root, path)) for layer in reversed(self.layers)]
        return [Said(layer, path, value) for layer, value in found if value is not MISSING]


def _view(layer: Layer, name: str) -> Tree:
    return _said_tree(layer, ("profiles", name), layer.profiles[name])


def _leaves(tree: Any) -> Iterator[Said]:
    if isinstance(tree, Said):
        yield tree
        return
    for value in tree.values():
        yield from _leaves(value)
