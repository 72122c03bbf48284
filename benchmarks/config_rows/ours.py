"""This package."""

from __future__ import annotations

from pathlib import Path

from config_rows import Read
from myfy_data import load_settings


def load(directory: Path) -> Read:  # noqa: ARG001 - the process was started there, as an application would be
    """Discovery, every layer, every check."""
    settings = load_settings()
    return lambda profile, key: getattr(settings.profiles[profile], key)
