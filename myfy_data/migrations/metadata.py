"""The tables that a profile's migrations are compared with, imported by dotted path."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.target import Target
from myfy_data.suggestions import nearest

_ATTRIBUTE = "Base.metadata"
EXAMPLE = f"app.models:{_ATTRIBUTE}"


def load_metadata(target: Target) -> MetaData | None:
    """The metadata of a profile; None when none is named.

    Raises:
        ConfigError: it cannot be imported, or is no `MetaData`.
    """
    path = target.settings.migrations.metadata
    if path is None:
        return None
    put_on_path(target.root)
    value: Any = _import(target, path)
    if isinstance(value, MetaData):
        return value
    fix = f'metadata = "{path}.metadata"' if isinstance(getattr(value, "metadata", None), MetaData) else ""
    raise _problem(target, f"{path!r} is a {type(value).__name__}, not a MetaData", fix)


def require_metadata(target: Target) -> None:
    """Refuse to compare with nothing.

    Raises:
        ConfigError: the profile names no metadata.
    """
    if target.settings.migrations.metadata is None:
        message = "is not set, so there are no models to compare the database with"
        raise _problem(target, message, f"write these:{metadata_lines(target)}")


def metadata_lines(target: Target) -> str:
    """What names the profile's models in `myfy.toml`, each line on its own, as TOML has it."""
    return f'\n       [data.profiles.{target.profile}.migrations]\n       metadata = "{EXAMPLE}"'


def put_on_path(root: Path) -> None:
    """Let the project's own modules be imported, wherever the command was started."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


def _import(target: Target, path: str) -> object:
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        fix = f'metadata = "{module}:{_ATTRIBUTE}"' if module else f'metadata = "{EXAMPLE}"'
        raise _problem(target, f"{path!r} is not of the form module:attribute", fix)
    try:
        value: Any = import_module(module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        fix = f"PYTHONPATH={shlex.quote(str(target.root))} python -c 'import {module}'"
        raise _problem(target, f"cannot import {module}: {reason}", fix) from error
    parts = name.split(".")
    for at, part in enumerate(parts):
        if not hasattr(value, part):
            near = nearest(part, [known for known in dir(value) if not known.startswith("_")])
            meant = ".".join([*parts[:at], near, *parts[at + 1 :]]) if near else _ATTRIBUTE
            raise _problem(target, f"{module} has no {name!r}", f'metadata = "{module}:{meant}"')
        value = getattr(value, part)
    return value


def _problem(target: Target, message: str, fix: str) -> ConfigError:
    key = f"profiles.{target.profile}.migrations.metadata"
    return ConfigError([Problem(target.place, key, message, fix=fix)])
