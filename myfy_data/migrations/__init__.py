"""Alembic for every profile, from the settings that everything else uses (contract C8).

`run_env` is what a directory's `env.py` calls. The only package of the library that imports Alembic; nothing of it is
imported before something here is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from myfy_data.migrations.env import run_env
    from myfy_data.migrations.manager import MigrationManager
    from myfy_data.migrations.report import CheckReport, CurrentReport, MigrationReport, RevisionInfo
    from myfy_data.migrations.upstream import create_alembic_env_template

_MODULES = {
    "CheckReport": "myfy_data.migrations.report",
    "CurrentReport": "myfy_data.migrations.report",
    "MigrationManager": "myfy_data.migrations.manager",
    "MigrationReport": "myfy_data.migrations.report",
    "RevisionInfo": "myfy_data.migrations.report",
    "create_alembic_env_template": "myfy_data.migrations.upstream",
    "run_env": "myfy_data.migrations.env",
}

__all__ = [
    "CheckReport",
    "CurrentReport",
    "MigrationManager",
    "MigrationReport",
    "RevisionInfo",
    "create_alembic_env_template",
    "run_env",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module, once."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
