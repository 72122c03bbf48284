"""Judging names: keys and profile names that mean nothing are refused, each with its place and the near one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from myfy_data.layers.fixes import header
from myfy_data.layers.key_spec import (
    ALIASES,
    AS_NEAR,
    MAX_NAME,
    PROFILE_NAME,
    KeySpec,
    Kind,
    is_private,
    is_profile_name,
)
from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.origins import KeyPath
from myfy_data.redaction import redact_text
from myfy_data.suggestions import nearest

_ADDRESS = frozenset({"database_url", "driver", "host"})
"""Keys of which a profile that is meant to be opened has one."""


def check_names(layer: Layer, key_spec: KeySpec, findings: Findings) -> None:
    """Refuse names that mean nothing.

    What is refused, and the user's own `x-` keys, leave the layer: the floors above see known names only.
    """
    if layer.flat:
        flat = _known_only(layer, (), layer.flat, key_spec.flat, key_spec.beside_profiles, findings)
        layer.flat = _check_tables(layer, (), flat, key_spec, findings)
    if layer.root:
        layer.root = _check_inner(layer, (), layer.root, key_spec.root_tables, findings)
    known = key_spec.in_profile
    plain = _holds_plain_tables(layer.profiles, key_spec)
    for name, table in list(layer.profiles.items()):
        if plain and is_profile_name(name) and not is_private(name):
            continue
        path = ("profiles", name)
        if is_private(name):
            _doubt_private(layer, name, table, findings)
        if is_private(name) or not _check_profile(layer, name, table, findings):
            del layer.profiles[name]
            continue
        ours = _known_only(layer, path, table, known, known, findings)
        layer.profiles[name] = _check_tables(layer, path, ours, key_spec, findings)


def _holds_plain_tables(profiles: Tree, key_spec: KeySpec) -> bool:
    """Whether all profiles have only known keys and no table of ours, as in nearly all files: one look at all keys."""
    if not all(type(table) is dict for table in profiles.values()):
        return False
    keys: set[str] = set().union(*profiles.values())
    return keys <= key_spec.in_profile and keys.isdisjoint(key_spec.tables)


def _known_only(
    layer: Layer, above: KeyPath, table: Tree, known: Set[str], suggested: Set[str], findings: Findings
) -> Tree:
    if table.keys() <= known:
        return table
    unknown = table.keys() - known
    for key in table:
        if key in unknown and not is_private(key) and not findings.is_full:
            _unknown(layer, (*above, key), table[key], suggested, findings)
    return {key: value for key, value in table.items() if key not in unknown}


def _check_tables(layer: Layer, above: KeyPath, table: Tree, key_spec: KeySpec, findings: Findings) -> Tree:
    return _check_inner(layer, above, table, key_spec.tables, findings)


def _check_inner(
    layer: Layer, above: KeyPath, table: Tree, tables: Mapping[str, Mapping[str, Kind]], findings: Findings
) -> Tree:
    for key, keys in tables.items():
        inner = table.get(key)
        if isinstance(inner, dict):
            known = keys.keys()
            cleaned = _known_only(layer, (*above, key), inner, known, known, findings)
            if cleaned is not inner:
                table = {**table, key: cleaned}
    return table


def _check_profile(layer: Layer, name: str, table: object, findings: Findings) -> bool:
    path = ("profiles", name)
    if not is_profile_name(name):
        message = f"a profile's name has lower-case letters, digits, '-' and '_', at most {MAX_NAME}"
        findings.problem(layer.locate(path), path, message, fix=f"rename it to {_repaired(name)}")
        return False
    if not isinstance(table, dict):
        origin = layer.locate(path)
        findings.problem(origin, path, "expected a table", fix=f"write {header(origin, *path)}")
        return False
    return True


def _doubt_private(layer: Layer, name: str, table: object, findings: Findings) -> None:
    """Tell of a profile that is none by its name; a table without an address is one that others are made from."""
    if isinstance(table, dict) and not table.keys().isdisjoint(_ADDRESS):
        path = ("profiles", name)
        message = "is no profile: names that start with 'x-' are free for you, so nothing below is read"
        findings.warning(layer.locate(path), path, message, fix=f"rename it to {name.removeprefix('x-') or 'main'}")


def _repaired(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", redact_text(name).lower())
    repaired = "-".join(words).lstrip("0123456789-")
    return repaired[:MAX_NAME].rstrip("-") or "main"


def _unknown(layer: Layer, path: KeyPath, value: object, known: Set[str], findings: Findings) -> None:
    origin, key = layer.locate(path), path[-1]
    near = ALIASES[key] if ALIASES.get(key) in known else nearest(key, known)
    if len(path) == 1 and isinstance(value, dict) and not near and PROFILE_NAME.fullmatch(key):
        findings.problem(
            origin, path, "no such setting; a profile stands under `profiles`", fix=f"rename it to profiles.{key}"
        )
    elif near:
        message, others = f"no such setting. Did you mean {near!r}?", AS_NEAR.get(key)
        findings.problem(origin, path, message, fix=f"rename it to {near}", facts=(others,) if others else ())
    else:
        fix = f"delete it, or rename it to x-{key} to keep it for yourself"
        findings.problem(origin, path, "no such setting", fix=fix)
