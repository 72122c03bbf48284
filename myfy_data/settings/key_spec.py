"""The vocabulary that layers are read with, built from the models: no key is typed twice."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from myfy_data.layers.key_spec import KeySpec, Kind
from myfy_data.settings.models import FREE_TABLES, IDENTITY_KEYS, STRUCTURE_KEYS, TABLE_MODELS, ProfileSettings
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS

ROOT_KEYS = {
    **dict.fromkeys(("default", "environment", "secrets_dir"), Kind.TEXT),
    **dict.fromkeys(ROOT_TABLE_MODELS, Kind.TABLE),
}

_KINDS = {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.NUMBER, dict: Kind.JSON, tuple: Kind.LIST}


def build_key_spec() -> KeySpec:
    """The names of the settings models, with how the text of each is read."""
    return KeySpec(
        root=ROOT_KEYS,
        profile={key: kind for key, kind in _kinds(ProfileSettings).items() if key != "environment"},
        tables={key: _kinds(model) for key, model in TABLE_MODELS.items()},
        structure=STRUCTURE_KEYS,
        identity=IDENTITY_KEYS,
        free=FREE_TABLES,
        root_tables={key: _kinds(model) for key, model in ROOT_TABLE_MODELS.items()},
    )


def _kinds(model: type[BaseModel]) -> dict[str, Kind]:
    return {name: _kind(field.annotation) for name, field in model.model_fields.items()}


def _kind(annotation: Any) -> Kind:
    if get_origin(annotation) in (Union, UnionType):
        first = next(argument for argument in get_args(annotation) if argument is not type(None))
        return _kind(first)
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Kind.TABLE
    return _KINDS.get(get_origin(annotation) or annotation, Kind.TEXT)


KEY_SPEC = build_key_spec()
