"""The floor that contract C3.13 speaks of: the fastest parser, and validation by this package's models."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from config_rows import Read
from config_rows.parsing import merged, parse
from myfy_data import DatabaseSettings

_PROFILES = TypeAdapter(dict[str, DatabaseSettings])


def load(directory: Path) -> Read:
    """Parse, merge, validate."""
    profiles = _PROFILES.validate_python(merged(directory, parse), strict=True)
    return lambda profile, key: getattr(profiles[profile], key)
