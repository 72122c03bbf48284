"""Alembic for every profile, from the settings that everything else uses (contract C8).

`run_env` is what a directory's `env.py` calls. The only package of the library that imports Alembic; nothing of it is
imported before something here is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from myfy_data.migrations.environment import run_env
    from myfy_data.migrations.manager import MigrationManager
    from myfy_data.migrations.report import CheckReport, CurrentReport, MigrationReport, RevisionInfo

_HOMES = {
    "CheckReport": "myfy_data.migrations.report",
    "CurrentReport": "myfy_data.migrations.report",
    "MigrationManager": "myfy_data.migrations.manager",
    "MigrationReport": "myfy_data.migrations.report",
    "RevisionInfo": "myfy_data.migrations.report",
    "run_env": "myfy_data.migrations.environment",
}

__all__ = ["CheckReport", "CurrentReport", "MigrationManager", "MigrationReport", "RevisionInfo", "run_env"]


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value
