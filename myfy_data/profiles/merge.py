"""Folding the layers of one profile into one table: merge, `unset`, and the identity rule (contract C3.4, C3.5).

The fold never looks at what a leaf is. The loader folds values; a question for an origin folds the same
layers again with leaves that know where they stand, and so gets the same winner by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from myfy_data.layers.fixes import assignment, removal
from myfy_data.layers.key_spec import KeySpec
from myfy_data.layers.layer import DEPLOYMENT_RANK, Findings, Layer, Tree
from myfy_data.layers.merge import MISSING, find, merge, without
from myfy_data.origins import KeyPath, Origin, format_key, parse_key
from myfy_data.profiles.extends import ancestors
from myfy_data.redaction import brings_host, brings_password
from myfy_data.suggestions import nearest

NOT_INHERITED = frozenset({"extends", "abstract", "unset"})
_EITHER = ("password", "password_file", "credentials")

View = Callable[[Layer, str], Tree]
"""Gives a layer's table of a profile: the values themselves, or the same tree with other leaves."""


def values_of(layer: Layer, name: str) -> Tree:
    """The plain view: what the layer says."""
    return layer.profiles[name]


class LayerMerger:
    """Folds profiles.

    Args:
        layers: all layers, lowest first.
        vocabulary: the known keys.
        findings: where problems and warnings go; a throw-away one when origins are looked up.
        view: what the leaves of the result are.
    """

    def __init__(self, layers: Sequence[Layer], key_spec: KeySpec, findings: Findings, view: View = values_of) -> None:
        self.layers = layers
        self.findings = findings
        self._key_spec = key_spec
        self._view = view
        self._steps: dict[str, list[Layer]] = {}
        for layer in layers:
            for name in layer.profiles:
                self._steps.setdefault(name, []).append(layer)

    def merge(self, name: str, parent: Tree | None) -> Tree:
        """The table that all layers together give the profile, on top of its parent's."""
        steps = self._steps.get(name, [])
        merged = {key: value for key, value in parent.items() if key not in NOT_INHERITED} if parent else {}
        if not merged and _is_plain_start(name, steps):
            merged, steps = dict(self._view(steps[0], name)), steps[1:]
        for rank, group in groupby(steps, key=lambda layer: layer.rank):
            at_or_above = [layer for layer in steps if layer.rank >= rank]
            merged = self._merge_rank(name, merged, list(group), at_or_above)
        return merged

    def _merge_rank(self, name: str, below: Tree, group: list[Layer], at_or_above: list[Layer]) -> Tree:
        merged = below
        for layer in group:
            merged = self._remove_unset(name, merged, layer)
        bringer = next((layer for layer in reversed(group) if "database_url" in layer.profiles[name]), None)
        if bringer is not None:
            if not any(_gives_password(layer.profiles[name]) for layer in at_or_above):
                self._warn_of_dropped_password(name, merged, bringer)
            merged = {key: value for key, value in merged.items() if key not in self._key_spec.identity}
        for layer in group:
            merged = self._apply(name, merged, layer)
        return merged

    def _apply(self, name: str, below: Tree, layer: Layer) -> Tree:
        table = self._view(layer, name)
        if "password" in table or "password_file" in table or "credentials" in table:
            below = {key: value for key, value in below.items() if key not in _EITHER or key in table}
        for path in _replaced_hosts(layer.profiles[name]):
            if find(below, path) is not MISSING:
                below = without(below, path)
        merged = merge(below, table, lambda path: self._refuse_clash(layer, ("profiles", name, *path)))
        merged.pop("unset", None)
        return merged

    def _remove_unset(self, name: str, below: Tree, layer: Layer) -> Tree:
        for text in _unset_names(layer.profiles[name]):
            path = parse_key(text)
            if find(below, path) is MISSING:
                self._refuse_unset(name, layer, text, below)
            else:
                below = without(below, path)
        return below

    def _refuse_unset(self, name: str, layer: Layer, text: str, below: Tree) -> None:
        if self.findings.is_full:
            return
        path = ("profiles", name, "unset")
        origin = layer.origin(path)
        near = nearest(text, map(format_key, _paths(below)))
        hint = f". Did you mean {near!r}?" if near else ""
        others = [other for other in _unset_names(layer.profiles[name]) if other != text]
        fix = assignment(origin, path, [*others, near] if near else others)
        self.findings.problem(origin, path, f"no lower layer sets {text!r}{hint}", fix=fix)

    def _refuse_clash(self, layer: Layer, path: KeyPath) -> None:
        origin = layer.origin(path)
        self.findings.problem(
            origin,
            path,
            "a table and a single value cannot be merged, and a lower layer has the other",
            facts=tuple(f"other at {other}" for other in self._said_below(layer, path))[:1],
            fix=removal(origin) if layer.rank == DEPLOYMENT_RANK else _unset_line(layer, path),
        )

    def _said_below(self, layer: Layer, path: KeyPath) -> Iterator[Origin]:
        """Where lower layers, and then ancestors, say the key at `path`, the nearest first."""
        below = self.layers[: next(at for at, other in enumerate(self.layers) if other is layer)]
        for ancestor in ancestors(path[1], self.layers):
            said = ("profiles", ancestor, *path[2:])
            layers = below if ancestor == path[1] else self.layers
            for other in reversed(layers):
                if find(other.profiles, said[1:]) is not MISSING:
                    yield other.origin(said)

    def _warn_of_dropped_password(self, name: str, below: Tree, layer: Layer) -> None:
        dropped = next((key for key in _EITHER if key in below), None)
        if dropped is None:
            return
        path = ("profiles", name)
        where = next((f" at {origin}" for origin in self._said_below(layer, (*path, dropped))), "")
        origin = layer.origin((*path, "database_url"))
        goes = f"say that it goes: {assignment(layer.origin(path), (*path, 'unset'), [dropped])}"
        if layer.rank == DEPLOYMENT_RANK:
            goes = "delete it there"
        self.findings.warning(
            origin,
            (*path, "database_url"),
            f"a URL replaces the whole identity, so the {dropped}{where} is not used",
            fix=f"give it beside the URL, or {goes}",
        )


def _unset_line(layer: Layer, path: KeyPath) -> str:
    """How a layer takes back what lower ones say: a line of the profile's own table, wherever `path` stands."""
    origin = layer.origin(path[:2])
    unset = assignment(origin, (*path[:2], "unset"), [format_key(path[2:])])
    if origin.line is None or not unset.startswith("unset ="):
        return f"remove the lower one: {unset}"
    if any(layer.locate((*path[:2], key)).column == 1 for key in layer.profiles[path[1]]):
        return f"put below the line [{format_key(('data', *path[:2]))}]: {unset}"
    return f"put this line first: {format_key(('data', *path[:2], ''))}{unset}"


def _is_plain_start(name: str, steps: Sequence[Layer]) -> bool:
    """Whether the lowest layer alone is the first rank and removes nothing: the common case, with nothing to merge."""
    alone = len(steps) == 1 or (len(steps) > 1 and steps[0].rank != steps[1].rank)
    return alone and "unset" not in steps[0].profiles[name]


def _gives_password(table: Tree) -> bool:
    return any(key in table for key in _EITHER) or brings_password(table.get("database_url"))


def _replaced_hosts(table: Tree) -> tuple[KeyPath, ...]:
    """What a higher layer's word about the servers takes the place of (contract C11.1)."""
    if "hosts" in table:
        return ("host",), ("port",), ("query", "host")
    query = table.get("query")
    says_host = "host" in table or (isinstance(query, dict) and "host" in query)
    return (("hosts",),) if says_host or brings_host(table.get("database_url")) else ()


def _unset_names(table: Tree) -> list[str]:
    names = table.get("unset")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _paths(tree: Tree, above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in tree.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
