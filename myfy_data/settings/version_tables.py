"""Two profiles whose migrations would write into one version table: neither sees what the other ran (contract C8)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from myfy_data.layers.advice import beside
from myfy_data.layers.layer import Findings
from myfy_data.origins import KeyPath, Origin
from myfy_data.settings.models import DatabaseSettings

Blame = Callable[[KeyPath], tuple[Origin, KeyPath]]


def check_version_tables(
    profiles: Mapping[str, DatabaseSettings], root: Path, blame: Blame, findings: Findings
) -> None:
    """Refuse profiles of one database that share a version table and not their migrations.

    Args:
        profiles: all that can be opened.
        root: what a relative migration directory is relative to.
        blame: finds where a value is said.
        findings: where problems go.
    """
    usual = _usual_directories(root)
    first: dict[tuple[object, ...], str] = {}
    for name, settings in profiles.items():
        if not _is_migrated(settings, has_directory=name in usual):
            continue
        other = first.setdefault(_place(settings), name)
        if other == name or _directory(name, settings, root) == _directory(other, profiles[other], root):
            continue
        path = ("profiles", name, "migrations", "version_table")
        origin, said = blame(path)
        table = settings.migrations.version_table
        message = f"is {table!r} of the same database as in profile {other!r}, so neither would see its own revisions"
        fix = beside(origin, path, f"{table}_{name.replace('-', '_')}")
        findings.problem(origin, said, message, fix=fix)


def _usual_directories(root: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(root / "migrations"))  # noqa: PTH208 - names, and one look for all profiles
    except OSError:
        return frozenset()


def _is_migrated(settings: DatabaseSettings, *, has_directory: bool) -> bool:
    """Whether the profile has migrations of its own: models to compare with, or a directory."""
    own = settings.migrations
    if own.metadata is None and own.directory is None and not has_directory:
        return False
    return settings.active and own.enabled and not settings.read_only and not settings.url.is_memory


def _directory(name: str, settings: DatabaseSettings, root: Path) -> Path:
    return root / settings.migrations.directory_of(name)


def _place(settings: DatabaseSettings) -> tuple[object, ...]:
    url = settings.url
    return url.backend, url.host, url.port, url.query.get("host"), url.database, settings.migrations.version_table
