"""Dynaconf; it reads and merges, and checks no types."""

from __future__ import annotations

from pathlib import Path

from dynaconf import Dynaconf

from config_project import files
from config_rows import Read


def load(directory: Path) -> Read:
    """Both files merged; the first access makes it read."""
    settings = Dynaconf(
        settings_files=[str(path) for path in files(directory)],
        envvar_prefix="BENCH",
        merge_enabled=True,
        load_dotenv=False,
    )
    profiles = settings.DATA.profiles
    return lambda profile, key: profiles[profile][key]
