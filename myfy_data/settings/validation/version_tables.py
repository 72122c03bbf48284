"""Two profiles whose migrations would write into one version table: neither sees what the other ran (contract C8)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.layers.fixes import assignment, beside, is_yaml
from myfy_data.layers.layer import Findings
from myfy_data.origins import Blame, KeyPath, Origin
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.servers import needs_server
from myfy_data.settings.urls import ConnectionURL

PORTS = {"postgresql": 5432, "mysql": 3306}
"""Where a server listens when no port is said."""


def check_version_tables(profiles: Mapping[str, ProfileSettings], root: Path, blame: Blame, findings: Findings) -> None:
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
        try:
            url = settings.url
        except InvalidDatabaseURLError:
            continue  # told already
        if url.is_memory or needs_server(settings):
            continue  # a database of its own, wherever it is migrated
        places = _places(settings, url)
        other = next((first[place] for place in places if place in first), name)
        first.update(dict.fromkeys(places - first.keys(), name))
        if other == name or _directory(name, settings, root) == _directory(other, profiles[other], root):
            continue
        path = ("profiles", name, "migrations", "version_table")
        _, said = blame(path)
        table = settings.migrations.version_table
        message = f"is {table!r} of the same database as in profile {other!r}, so neither would see its own revisions"
        renamed = f"{table}_{name.replace('-', '_')}"
        own = settings.migrations.model_fields_set
        origin, fix = _naming(path, own, blame, renamed)
        findings.problem(origin, said, message, fix=fix)


def _naming(path: KeyPath, own: Collection[str], blame: Blame, table: str) -> tuple[Origin, str]:
    """Where another version table is to be named, and the line: beside the keys that its migrations have already."""
    if "version_table" in own:
        origin, said = blame(path)
        return origin, assignment(origin, said, table)
    for key in ("directory", "metadata"):
        origin, _ = blame((*path[:-1], key))
        if key in own and (origin.column == 1 or is_yaml(origin) or origin.variable):
            return origin, beside(origin, path, table)
    origin, _ = blame(path[:2])
    return origin, beside(origin, path[:2], table, within=path[2:])


def _usual_directories(root: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(root / "migrations"))  # noqa: PTH208 - names, and one look for all profiles
    except OSError:
        return frozenset()


def _is_migrated(settings: ProfileSettings, *, has_directory: bool) -> bool:
    """Whether the profile has migrations of its own: models to compare with, or a directory."""
    own = settings.migrations
    if own.metadata is None and own.directory is None and not has_directory:
        return False
    return settings.active and own.enabled and not settings.read_only


def _directory(name: str, settings: ProfileSettings, root: Path) -> Path:
    return root / settings.migrations.directory_of(name)


def _places(settings: ProfileSettings, url: ConnectionURL) -> set[tuple[object, ...]]:
    """Where the version table stands, once for each server."""
    table = settings.migrations.version_table, _search_path(settings)
    return {(*place, *table) for place in database_places(url)}


def database_places(url: ConnectionURL) -> set[tuple[object, ...]]:
    """Where a database stands, once for each server; one address is one place, however it is spelt."""
    if url.backend == "sqlite":
        return {(url.database,)}  # made absolute, and links followed, where the URL was read
    database = url.database or (url.username if url.backend == "postgresql" else None)
    usual = PORTS[url.backend]
    socket = url.query.get("unix_socket")
    return {
        (url.backend, socket or _plain_host(host), None if socket else port or usual, database)
        for host, port in url.hosts
    }


def _plain_host(host: str | None) -> str:
    name = (host or "localhost").rstrip(".").lower()
    return "localhost" if name == "::1" or name.startswith("127.") else name


def _search_path(settings: ProfileSettings) -> object:
    """PostgreSQL's schema of the table, where the profile says it: each may hold a table of this name."""
    server = settings.connect_args.get("server_settings")
    return server.get("search_path") if isinstance(server, dict) else None
