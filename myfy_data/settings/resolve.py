"""Settings that a caller hands over, finished or in part, and what the layers add to them (contract C4)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pydantic import BaseModel

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.loader import load_request, load_settings

Files = Sequence[str | os.PathLike[str]]


def resolve_settings(
    settings: DataSettings | DatabaseSettings | None, files: Files | None, environment: str | None, profile: str | None
) -> DataSettings:
    """The settings of a module; loads layers unless a finished `DataSettings` was handed over.

    Args:
        settings: finished settings, or one profile whose set fields count as arguments.
        files: as in `load_settings`.
        environment: as in `load_settings`; wins over the `environment` of a `DatabaseSettings`.
        profile: the profile that a single `DatabaseSettings` is about; the default profile when None.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    if isinstance(settings, DataSettings):
        if files is not None or environment is not None:
            raise ConfigError([_said_twice()])
        return settings
    if settings is None:
        return load_settings(files=files, environment=environment)
    said, defaults = said_by(settings), type(settings).changed_defaults()
    if profile is not None:
        said, defaults = {"profiles": {profile: said}}, {"profiles": {profile: defaults}} if defaults else {}
    asked = LoadRequest(None, files, environment or settings.environment, overrides=said, defaults=defaults)
    return load_request(asked)


def said_by(settings: DatabaseSettings) -> dict[str, object]:
    """The fields that a caller set, as arguments."""
    said = {name: _plain(getattr(settings, name)) for name in sorted(settings.model_fields_set - {"environment"})}
    if said.get("driver") and "database_url" not in said:
        # A driver makes the parts an identity of their own. Only a URL replaces the identity of lower layers, parts
        # refine it; so it is said as the URL it is, refined by the other parts.
        said["database_url"] = f"{said.pop('driver')}://"
    return said


def _plain(value: object) -> object:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value


def _said_twice() -> Problem:
    return Problem(
        "argument",
        "settings",
        "a finished DataSettings and `files` or `environment` were given; only one of them can say what is loaded",
        fix="DataModule(settings=load_settings(files=..., environment=...))",
    )
