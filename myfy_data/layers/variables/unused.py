"""Variables that were probably meant for us and that nothing reads: told as layers are, never their values (C3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Layer, LayerStatus
from myfy_data.origins import Origin

_OURS_MISSPELT = re.compile(r"MYFYDATA_|MYFY__DATA_|MYFY_(?=DATABASE_URL$)|DATA_(?=DATABASE_URL$)")
_USUAL = frozenset({"DATABASE_URL", "SQLALCHEMY_DATABASE_URL", "DB_URL"})
_NO_SETTING = "no setting has this name"


def unused_variables(
    process: Iterable[str], dotenv: Mapping[str, Origin], layers: Sequence[Layer]
) -> Iterator[LayerStatus]:
    """What is set and read by nothing, each with the name that would be read, as its source writes it.

    Args:
        process: the names of the process environment.
        dotenv: the names in `.env`, each with its place.
        layers: the files, which may refer to any of them.
    """
    ours = {name: _meant(name) for name in {*process, *dotenv}}
    in_process = frozenset(process)
    for name, meant in sorted(ours.items()):
        if meant is None or _is_mentioned(name, layers):
            continue
        if name in in_process:
            yield LayerStatus(f"env {name}", "not read", f'{_NO_SETTING}; to use it: {meant}="${name}"')
        else:
            yield LayerStatus(f"{dotenv[name]}: {name}", "not read", f"{_NO_SETTING}; to use it: rename it to {meant}")


def is_unused(status: LayerStatus) -> bool:
    """Whether this tells of a variable that nothing reads."""
    return status.reason.startswith(_NO_SETTING)


def _meant(name: str) -> str | None:
    if name in _USUAL:
        return f"{PREFIX}DATABASE_URL"
    found = _OURS_MISSPELT.match(name)
    return PREFIX + name[found.end() :].lstrip("_") if found and name[found.end() :].strip("_") else None


def _is_mentioned(name: str, layers: Iterable[Layer]) -> bool:
    """Whether a file refers to the variable."""
    reference = f"${{{name}"
    return any(_holds(tree, reference) for layer in layers for tree in (layer.root, layer.flat, layer.profiles))


def _holds(value: object, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, dict | list):
        return any(_holds(item, text) for item in (value.values() if isinstance(value, dict) else value))
    return False
