"""Which profile extends which: the shape of profiles, before anything is merged (contract C2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from myfy_data.layers.interpolation import has_references
from myfy_data.layers.layer import Layer
from myfy_data.origins import DEFAULT, Origin

MAX_DEPTH = 16
"""How many profiles may extend each other in a row."""


def _said(name: str, key: str, layers: Sequence[Layer]) -> tuple[object, Layer] | None:
    """What the highest layer says for a structure key of a profile, unless a layer above takes it back."""
    for layer in reversed(layers):
        table = layer.profiles.get(name)
        if table is None:
            continue
        if key in table:
            return table[key], layer
        unset = table.get("unset")
        if isinstance(unset, list) and key in unset:
            return None
    return None


def abstract_names(layers: Sequence[Layer]) -> frozenset[str]:
    """The profiles that are templates only."""
    named = {name for layer in layers for name, table in layer.profiles.items() if "abstract" in table}
    said = ((name, _said(name, "abstract", layers)) for name in named)
    return frozenset(name for name, value in said if value is not None and value[0])


def heirs(layers: Sequence[Layer]) -> frozenset[str]:
    """The profiles for which some layer says `extends`."""
    return frozenset(name for layer in layers for name, table in layer.profiles.items() if "extends" in table)


def parent_of(name: str, layers: Sequence[Layer]) -> str | None:
    """The profile that `name` extends."""
    said = _said(name, "extends", layers)
    # A reference is refused by its own check, and its default, which may be secret, is not to be repeated as a name.
    is_name = said is not None and isinstance(said[0], str) and not has_references(said[0])
    return str(said[0]) if said is not None and is_name else None


def extends_origin(name: str, layers: Sequence[Layer]) -> Origin:
    """Where it is said that `name` extends another profile."""
    said = _said(name, "extends", layers)
    return said[1].origin(("profiles", name, "extends")) if said is not None else DEFAULT


def ancestors(name: str, layers: Sequence[Layer]) -> Iterator[str]:
    """The profile itself, its parent, and so on; stops where a circle closes or a name is not declared."""
    seen: list[str] = []
    member: str | None = name
    while (
        member is not None
        and len(seen) < MAX_DEPTH
        and member not in seen
        and any(member in layer.profiles for layer in layers)
    ):
        seen.append(member)
        yield member
        member = parent_of(member, layers)
