"""`extends`: one parent, merged as one more lower layer (contract C2)."""

from __future__ import annotations

from collections.abc import Sequence

from myfy_data.errors import ProblemKind
from myfy_data.layers.fixes import assignment
from myfy_data.layers.layer import Tree
from myfy_data.layers.syntax import DEFAULT_LIMITS
from myfy_data.profiles.extends import MAX_DEPTH, ancestors, extends_origin, heirs, parent_of
from myfy_data.profiles.merge import LayerMerger
from myfy_data.suggestions import listed, nearest


class Inheritance:
    """Resolves profiles to their full tables, each parent once.

    Args:
        merger: merges the layers of one profile.
        names: all declared profiles.
    """

    def __init__(self, merger: LayerMerger, names: Sequence[str]) -> None:
        self._merger = merger
        self._names = names
        self._known = frozenset(names)
        self._heirs = heirs(merger.layers)
        self._resolved: dict[str, Tree] = {}
        self._depths: dict[str, int] = {}
        self._inherited = 0
        self._is_full = False

    def resolve(self, name: str, chain: tuple[str, ...] = ()) -> Tree:
        """The full table of a profile, its ancestors' included; problems go to the merger's findings."""
        if name not in self._resolved:
            parent = self._parent_table(name, (*chain, name)) if name in self._heirs else None
            if parent is not None and self._is_full:
                parent = _address_of(parent)  # nothing more is copied, and nothing else is told of the heir
            table = self._merger.merge(name, parent)
            self._resolved[name] = table if parent is None else self._counted(name, table)
        return self._resolved[name]

    def _counted(self, name: str, table: Tree) -> Tree:
        """An heir's table, as long as all heirs together keep the bound of a file: each copies its parent's tables."""
        self._inherited += _count_values(table)
        if self._inherited <= DEFAULT_LIMITS.values:
            return table
        if not self._is_full:
            self._is_full = True
            message = f"more than {DEFAULT_LIMITS.values} values in all profiles that extend another one"
            self._refuse(name, message, fix="delete this line")
        return _address_of(table)

    def ancestors(self, name: str) -> list[str]:
        """The profile itself, its parent, and so on."""
        return list(ancestors(name, self._merger.layers))

    def _parent_table(self, name: str, chain: tuple[str, ...]) -> Tree | None:
        parent = parent_of(name, self._merger.layers)
        if parent is None:
            return None
        if parent in chain:
            self._refuse_circle((*chain[chain.index(parent) :], parent))
            return None
        if parent not in self._known:
            self._refuse_unknown(name, parent)
            return None
        # Both ways to be too deep: on the way down, and on top of parents that were resolved before.
        table = self.resolve(parent, chain) if len(chain) <= MAX_DEPTH else None
        self._depths[name] = self._depths.get(parent, 1) + 1
        if table is None or self._depths[name] > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} profiles extend each other"
            first = self.ancestors(name)[-1]
            fix = assignment(extends_origin(name, self._merger.layers), ("profiles", name, "extends"), first)
            self._refuse(name, message, fix=fix)
        return table

    def _refuse_circle(self, circle: tuple[str, ...]) -> None:
        layers = self._merger.layers
        places = (f"{name} extends {parent_of(name, layers)} at {extends_origin(name, layers)}" for name in circle[:-1])
        message = "profiles extend each other in a circle: " + " -> ".join(circle)
        self._refuse(circle[-2], message, facts=tuple(places), fix="delete this line")

    def _refuse_unknown(self, name: str, parent: str) -> None:
        if self._merger.findings.is_full:
            return
        others = [other for other in self._names if other != name]
        near = nearest(parent, others)
        hint = f". Did you mean {near!r}?" if near else ""
        message = f"profile {parent!r} is not declared; declared: {listed(others)}{hint}"
        origin = extends_origin(name, self._merger.layers)
        fix = assignment(origin, ("profiles", name, "extends"), near) if near else "delete this line"
        self._refuse(name, message, fix=fix, kind="unknown_profile")

    def _refuse(
        self, name: str, message: str, *, fix: str, facts: tuple[str, ...] = (), kind: ProblemKind = "config"
    ) -> None:
        origin = extends_origin(name, self._merger.layers)
        path = ("profiles", name, "extends")
        self._merger.findings.problem(origin, path, message, facts=facts, fix=fix, kind=kind)


def _address_of(table: Tree) -> Tree:
    return {key: table[key] for key in ("database_url", "driver") if key in table}


def _count_values(value: object) -> int:
    if isinstance(value, dict | list):
        return 1 + sum(map(_count_values, value.values() if isinstance(value, dict) else value))
    return 1
