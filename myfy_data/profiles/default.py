"""Which profiles there are, and which one is the default (contract C2)."""

from __future__ import annotations

from collections.abc import Sequence

from myfy_data.errors import ProblemKind
from myfy_data.layers.fixes import assignment, beside, removal
from myfy_data.layers.key_spec import fold_name, is_profile_name, variable_for
from myfy_data.layers.layer import Findings, Layer
from myfy_data.layers.merge import overlaps
from myfy_data.profiles.extends import abstract_names
from myfy_data.suggestions import listed, nearest

FALLBACK = "default"
KEY = ("default",)


class ProfileNames:
    """The profiles that the layers of one load declare.

    Args:
        layers: all layers, lowest first.
        findings: where problems go.

    Attributes:
        names: every profile, in order of first appearance.
        abstract: those that are templates only.
        colliding: those refused because an earlier name is the same to variables.
    """

    def __init__(self, layers: Sequence[Layer], findings: Findings) -> None:
        self._layers = layers
        self._findings = findings
        self.names: list[str] = list(dict.fromkeys(name for layer in layers for name in layer.profiles))
        self.abstract: frozenset[str] = abstract_names(layers)
        self.colliding: set[str] = set()

    @property
    def concrete(self) -> list[str]:
        """Every profile that may be opened."""
        return [name for name in self.names if name not in self.abstract]

    def refuse_collisions(self) -> None:
        """Refuse names that share one variable name, such as `read-replica` and `read_replica`."""
        first: dict[str, str] = {}
        if not any("-" in name for name in self.names):
            return  # names are lower case, so nothing else can be spelt in two ways
        for name in self.names:
            known = first.setdefault(fold_name(name), name)
            if known != name:
                self.colliding.add(name)
                layer, other = self._declaring(name), self._declaring(known)
                self._findings.problem(
                    layer.origin(("profiles", name)),
                    (),
                    f"profiles {known!r} and {name!r} share the variable name {fold_name(name).upper()}",
                    facts=(f"other at {other.origin(('profiles', known))}",),
                    fix=f"rename it to {known}" if other is not layer else f"rename it to {known}-2",
                )

    def _declaring(self, name: str) -> Layer:
        return next(layer for layer in self._layers if name in layer.profiles)

    def choose_default(self) -> str | None:
        """The default profile's name: said by `default`, else `default`, else the only one there is, else none."""
        for layer in reversed(self._layers):
            if KEY[0] in layer.root:
                return self._declared(layer.root[KEY[0]], layer)
        concrete = self.concrete
        if FALLBACK in concrete or not self.names:
            return FALLBACK
        return concrete[0] if len(concrete) == 1 else None

    def _declared(self, said: str, layer: Layer) -> str | None:
        name = {fold_name(name): name for name in self.names}.get(fold_name(said))
        if name is None and (self.names or not self._has_flat_address()):
            near = nearest(said, self.names)
            hint = f". Did you mean {near!r}?" if near else ""
            message = f"profile {said!r} is not declared; declared: {listed(self.names)}{hint}"
            self._refuse_default(layer, near, message, kind="unknown_profile")
            return None
        if name is None and not is_profile_name(said):
            message = f"no profile can be called {said[:60]!r}"
            self._refuse_default(layer, FALLBACK, message, kind="unknown_profile")
            return None
        if name in self.abstract:
            self._refuse_default(layer, None, f"profile {name!r} is abstract, so it cannot be the default")
            return None
        return name or str(said)

    def _has_flat_address(self) -> bool:
        """Whether flat keys say which database the default profile is, and so declare it."""
        return any(layer.flat.keys() & {"database_url", "driver"} for layer in self._layers)

    def _refuse_default(self, layer: Layer, near: str | None, message: str, kind: ProblemKind = "config") -> None:
        origin = layer.origin(KEY)
        better = near or next(iter(self.concrete), None)
        fix = assignment(origin, KEY, better) if better else removal(origin)
        self._findings.problem(origin, KEY, message, fix=fix, kind=kind)

    def hand_over_flat_keys(self, default: str | None) -> None:
        """Give each layer's flat keys to the default profile; the same key said both ways is refused."""
        for layer in self._layers:
            if not layer.flat:
                continue
            if default is None:
                self._refuse_flat(layer)
                continue
            for key in overlaps(layer.flat, layer.profiles.get(default, {})):
                self._refuse_twice(layer, default, key)
            layer.adopt_flat(default)
            if default not in self.names:
                self.names.append(default)

    def _refuse_twice(self, layer: Layer, default: str, key: tuple[str, ...]) -> None:
        origin = layer.origin(key)
        facts = [f"also at {layer.origin(('profiles', default, *key))}"]
        if key == ("database_url",) and origin.source == "environment":  # two databases may be meant
            own = variable_for(("profiles", "default", *key))
            facts.append(f"the database of another profile would be {own}")
        self._findings.problem(
            origin,
            key,
            f"is set twice: flat keys mean the default profile {default!r}",
            facts=tuple(facts),
            fix="delete one of the two lines" if origin.line is not None else removal(origin),
        )

    def _refuse_flat(self, layer: Layer) -> None:
        if any(KEY[0] in other.root for other in self._layers):
            return  # the wrong name in `default` is the one problem to tell
        names = self.concrete
        for key in layer.flat:
            origin = layer.origin((key,))
            message = f"flat keys mean the default profile, but none is the default; profiles: {listed(names)}"
            fix = beside(origin, KEY, names[0]) if names else removal(origin)
            self._findings.problem(origin, (key,), message, fix=fix)
