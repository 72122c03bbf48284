"""The keys beside `profiles` that are no tables: they steer the load, so they are resolved while it is under way."""

from __future__ import annotations

from collections.abc import Mapping

from myfy_data.layers.fixes import assignment, described
from myfy_data.layers.interpolation import InterpolationError, has_references, interpolate, unresolved
from myfy_data.layers.layer import Findings, Layer
from myfy_data.layers.variables.coercion import Verbatim

SAMPLES = {"default": "main", "environment": "development", "secrets_dir": "/run/secrets"}


def resolve_roots(layer: Layer, variables: Mapping[str, str], findings: Findings, *, elsewhere: bool = False) -> None:
    """Resolve and check the root keys of a layer; what cannot be used leaves it.

    Args:
        layer: the layer.
        variables: what references are looked up in.
        findings: where problems go.
        elsewhere: whether a variable that is not set here is no problem.
    """
    for key in SAMPLES.keys() & layer.root.keys():
        value = layer.root[key]
        if elsewhere and isinstance(value, str) and unresolved(value, variables.get):
            del layer.root[key]
            continue
        text = root_text(layer, key, variables, findings)
        if text is None:
            del layer.root[key]
        else:
            layer.root[key] = text


def root_text(layer: Layer, key: str, variables: Mapping[str, str], findings: Findings) -> str | None:
    """The text of one root key; None when the layer does not say it, or says what cannot be used."""
    value = layer.root.get(key)
    if value is None:
        return None
    try:
        text = value
        if isinstance(value, str) and type(value) is not Verbatim and has_references(value):
            text = interpolate(value, variables.get)
    except InterpolationError as error:
        findings.problem(layer.origin((key,)), (key,), error.message, fix=error.fix)
        return None
    if isinstance(text, str) and text.strip():
        return text
    origin = layer.origin((key,))
    message = "is empty" if isinstance(text, str) else f"expected text, got {described(text)}"
    findings.problem(origin, (key,), message, fix=assignment(origin, (key,), SAMPLES[key]))
    return None


def refuse_environment(layer: Layer, base: str, findings: Findings) -> None:
    """Refuse `environment` in any file but the base file, because it says which other files are read."""
    if layer.root.pop("environment", None) is not None:
        origin = layer.origin(("environment",))
        findings.problem(origin, ("environment",), "can only stand in the base file", fix=f"move it to {base}")
