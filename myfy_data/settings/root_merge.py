"""The tables beside `profiles`: merged over all layers, then resolved, as a profile's are (contract C2, C3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from myfy_data.layers.fixes import header, removal
from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.layers.merge import merge
from myfy_data.origins import KeyPath, Origin
from myfy_data.settings.normalize import Normalizer
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS

WORKERS = "WEB_CONCURRENCY"
"""The variable by which platforms and servers say how many processes an instance has."""


def read_root_tables(layers: Sequence[Layer], normalizer: Normalizer) -> dict[str, Tree]:
    """The tables that layers say, as their models take them; what is no table is told.

    Args:
        layers: all layers, lowest first.
        normalizer: resolves references, and has the findings.
    """
    tables: dict[str, Tree] = {}
    for layer in layers:
        for key in ROOT_TABLE_MODELS.keys() & layer.root.keys():
            value = layer.root[key]
            if isinstance(value, dict):
                tables[key] = merge(tables.get(key, {}), value, _replace)
            else:
                _refuse(layer, key, normalizer.findings)
    return {key: normalizer.normalize_root(key, table) for key, table in tables.items()}


def platform_layer(variables: Mapping[str, str], findings: Findings) -> list[Layer]:
    """The lowest layer: what the platform's own variables say; none where they say nothing (contract C11.7)."""
    said = variables.get(WORKERS, "").strip()
    if not said:
        return []
    origin = Origin("environment", variable=WORKERS)
    if not (said.isascii() and said.isdigit() and int(said) > 0):
        message = "is no number of processes and was ignored: capacity.workers is 1 unless a layer says it"
        findings.warning(origin, (), message, fix=removal(origin))
        return []
    return [Layer(f"env {WORKERS}", 0, partial(_at, origin), root={"capacity": {"workers": int(said)}})]


def _refuse(layer: Layer, key: str, findings: Findings) -> None:
    origin = layer.origin((key,))
    named = origin.line is not None
    fix = f"write {header(origin, key)}" if named else removal(origin)
    findings.problem(origin, (key,), "expected a table", fix=fix)


def _replace(path: KeyPath) -> None:
    """A table over a single value, or the reverse: the model tells what the key takes."""


def _at(origin: Origin, path: KeyPath) -> Origin:  # noqa: ARG001 - as every layer's `locate`
    return origin
