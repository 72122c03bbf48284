"""From a document to a layer: the table `data`, split into root keys, flat keys and profiles (contract C2)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from myfy_data.layers.files.document import Document, read_document
from myfy_data.layers.fixes import header
from myfy_data.layers.key_spec import KeySpec, is_private
from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.layers.syntax import LayerSyntaxError
from myfy_data.layers.unknown_keys import check_names
from myfy_data.origins import KeyPath, Origin
from myfy_data.suggestions import nearest

TABLE = "data"
PROFILES = "profiles"


def read_file_layer(path: Path | str, name: str, rank: int, key_spec: KeySpec, findings: Findings) -> Layer:
    """Read one file as a layer; what is wrong with it goes to `findings`."""
    try:
        document = read_document(path, name)
    except LayerSyntaxError as error:
        # Readers know of no settings: to them `data` is a key like any other.
        findings.add(*(replace(problem, key=problem.key.removeprefix(f"{TABLE}.")) for problem in error.problems))
        return Layer(name, rank, locate=partial(_anywhere, name), broken=True)
    layer = Layer(name, rank, locate=partial(_locate_setting, document))
    data = document.tree.get(TABLE, {})
    _check_top_level(document, key_spec, findings)
    if not isinstance(data, dict):
        origin = _locate(document, (TABLE,))
        findings.problem(origin, (TABLE,), "expected a table", fix=f"write {header(origin)}")
        layer.broken = True
        return layer
    _split(layer, data, key_spec, findings)
    check_names(layer, key_spec, findings)
    return layer


def _anywhere(name: str, path: KeyPath) -> Origin:  # noqa: ARG001 - as every layer's `locate`
    return Origin(name)


def _locate_setting(document: Document, path: KeyPath) -> Origin:
    return _locate(document, (TABLE, *path))


def _locate(document: Document, path: KeyPath) -> Origin:
    """The place of the key, or of the nearest table above it that has one."""
    for length in range(len(path), 0, -1):
        place = document.key_place(path[:length])
        if place is not None:
            return Origin(document.name, place[0], place[1])
    return Origin(document.name)


def _split(layer: Layer, data: Tree, key_spec: KeySpec, findings: Findings) -> None:
    for key, value in data.items():
        if key == PROFILES:
            if isinstance(value, dict):
                layer.profiles = dict(value)
                continue
            origin = layer.locate((PROFILES,))
            fix = f"write {header(origin, PROFILES, 'main')}"
            findings.problem(origin, (PROFILES,), "expected a table", fix=fix)
        elif key in key_spec.root:
            layer.root[key] = value
        elif not is_private(key):
            layer.flat[key] = value


def _check_top_level(document: Document, key_spec: KeySpec, findings: Findings) -> None:
    """Other top-level tables are other packages'; but our own words there were meant for us."""
    for key, value in document.tree.items():
        ours = key == PROFILES or ((key in key_spec.profile or key in key_spec.root) and not isinstance(value, dict))
        origin = _locate(document, (key,)) if ours else Origin(document.name)
        if ours:
            message = f"stands outside the table `{TABLE}`, where nothing reads it"
            findings.problem(origin, (key,), message, fix=_inside(document, key, origin))
        elif TABLE not in document.tree and isinstance(value, dict) and nearest(key, [TABLE]):
            message = f"is not ours. Did you mean {TABLE!r}?"
            findings.warning(_locate(document, (key,)), (key,), message, fix=f"rename it to {TABLE}")


def _inside(document: Document, key: str, origin: Origin) -> str:
    if header(origin).endswith(":"):
        return f"put the line {TABLE}: above it, and indent it by two spaces"
    if key == PROFILES:
        return f"rename it to {TABLE}.{key}"
    ours = document.tree.get(TABLE)
    if isinstance(ours, dict) and ours.keys() - {PROFILES}:
        return f"move it below the line [{TABLE}]"
    return f"put the line [{TABLE}] above it"
