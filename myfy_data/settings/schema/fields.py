"""What each setting is: type, unit, default, meaning, variable; told once, by the models.

The schema, `config explain` and the generated pages of the documentation are all made of this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from myfy_data.layers.key_spec import variable_for
from myfy_data.origins import KeyPath, format_key
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.key_spec import KEY_SPEC, ROOT_KEYS
from myfy_data.settings.models import FREE_TABLES, PATH_KEYS, TABLE_MODELS
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS

_TYPES = {"integer": "whole number", "number": "number", "boolean": "true or false", "object": "table", "array": "list"}
_PATHS = PATH_KEYS | {"directory"}
_UNITS = ("seconds", "connections")

STRUCTURE: dict[str, dict[str, Any]] = {
    "extends": {"type": "string", "description": "The one profile whose settings this one starts from."},
    "abstract": {"type": "boolean", "description": "True for a template that other profiles extend and nothing opens."},
    "unset": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Keys that lower layers set and this one removes.",
        "examples": [["pool_recycle", "connect_args.timeout"]],
    },
}
"""The keys of a profile's table that shape the merge, as JSON Schema; no model has them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings reference.

    Attributes:
        key: the key, tables before a dot: `sqlite.busy_timeout`.
        type: its type and range in words.
        unit: `seconds`, `connections`, or empty.
        default: the default as a TOML file would write it; empty where there is none.
        meaning: one sentence.
        variable: what sets it for the default profile; empty where no variable can.
    """

    key: str
    type: str
    unit: str
    default: str
    meaning: str
    variable: str


def describe(model: type[BaseModel]) -> dict[str, dict[str, object]]:
    """Each key's JSON Schema as pydantic tells it, without the null that stands for "not set"."""
    return {key: _without_null(told) for key, told in model.model_json_schema()["properties"].items()}


def root_settings() -> list[Setting]:
    """The keys that stand beside `profiles`."""
    told = describe(DataSettings)
    rows = [_setting((key,), told[key]) for key in ROOT_KEYS if key not in ROOT_TABLE_MODELS]
    for table, model in ROOT_TABLE_MODELS.items():
        rows.append(_setting((table,), told[table] | {"type": "object", "default": None}))
        rows += [_setting((table, key), words) for key, words in describe(model).items()]
    return rows


def profile_settings() -> list[Setting]:
    """The keys of a profile, those of its tables included."""
    return list(_profile_settings())


def structure_settings() -> list[Setting]:
    """The keys of a profile's table that are no settings: inheritance and removal."""
    return [_setting((key,), told, variable="") for key, told in STRUCTURE.items()]


def find_setting(path: KeyPath) -> Setting:
    """The row for a full key path that is known to exist; keys inside free tables share one row's words."""
    inner = path[2:] if path[0] == "profiles" else path
    if len(inner) > 1 and inner[0] in FREE_TABLES:
        meaning = f"One of {inner[0]}: {describe(DatabaseSettings)[inner[0]]['description']}"
        return Setting(format_key(inner), "whatever it is handed to takes", "", "", meaning, variable_for(inner))
    key = format_key(inner)
    return next(row for row in (*root_settings(), *_profile_settings()) if row.key == key)


def _profile_settings() -> Iterator[Setting]:
    told = describe(DatabaseSettings)
    for key in KEY_SPEC.profile:
        if key not in TABLE_MODELS:
            yield _setting((key,), told[key])
            continue
        yield _setting((key,), told[key] | {"type": "object", "default": None})
        for inner, words in describe(TABLE_MODELS[key]).items():
            yield _setting((key, inner), words)


def _without_null(told: dict[str, Any]) -> dict[str, object]:
    left_out = ("anyOf", "allOf", "$ref", "title")
    schema = {key: value for key, value in told.items() if value is not None and key not in left_out}
    for choice in told.get("anyOf", ()):
        if choice.get("type") != "null":
            schema |= choice
    return schema


def _setting(path: KeyPath, told: dict[str, object], variable: str | None = None) -> Setting:
    meaning = " ".join(str(told["description"]).split())
    return Setting(
        key=format_key(path),
        type=_type(path[-1], told),
        unit=_unit(told, meaning),
        default=json.dumps(told["default"]) if told.get("default") is not None else "",
        meaning=meaning,
        variable=variable_for(path) if variable is None else variable,
    )


def _unit(told: dict[str, object], meaning: str) -> str:
    """The unit of a number, which its meaning names first."""
    words = meaning.lower().split()[:2] if told["type"] in ("integer", "number") else ()
    return next((unit for unit in _UNITS if unit in words), "")


def _type(key: str, told: dict[str, Any]) -> str:
    if "enum" in told:
        return "one of " + ", ".join(told["enum"])
    if told["type"] == "string":
        return "path" if key in _PATHS else "text"
    return _TYPES[told["type"]] + _range(told)


def _range(told: Mapping[str, object]) -> str:
    if "maximum" in told:
        return f", {told['minimum']} to {told['maximum']}"
    if "minimum" in told:
        return f", {told['minimum']} or more"
    if "exclusiveMinimum" in told:
        return f", more than {told['exclusiveMinimum']}"
    return ""
