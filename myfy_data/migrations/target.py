"""Which profiles are migrated, and which are not and why (contract C8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from myfy_data.errors import ConfigError, Problem
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings

PROGRESS_SUFFIX = "_progress"
"""Beside the version table, while a migration runs: how far it has come (ADR 0013)."""


MARKER_TABLE = "myfy_data_marker"
"""The table in which a database says which environment it belongs to (contract C14.1)."""

SEEDS_TABLE = "myfy_data_seeds"
"""The table that tells which files of SQL and Python ran as seeds (contract C14.2)."""


@dataclass(frozen=True, slots=True)
class Target:
    """One profile whose database is ours to migrate.

    Attributes:
        profile: the profile's name.
        settings: its settings.
        directory: where its migrations stand, absolute.
        root: the project root, from which the metadata is imported.
        place: where `migrations.metadata` is said.
        hidden: tables that autogenerate does not see: every profile's version table, the marker, and what ran as
            seeds.
        environment: the environment's name.
        is_protected: whether the environment is production, where data is not dropped without a word (contract C14.1).
        may_drop: the name of the database that may be dropped all the same.
    """

    profile: str
    settings: DatabaseSettings
    directory: Path
    root: Path
    place: str
    hidden: frozenset[str]
    environment: str = ""
    is_protected: bool = False
    may_drop: str | None = None

    @property
    def database(self) -> str:
        """The database's name as its server knows it; for SQLite the name of the file."""
        url = self.settings.url
        name = url.database or url.username or ""
        return Path(name).name if url.backend == "sqlite" else name

    @property
    def backend(self) -> str:
        """`sqlite`, `postgresql` or `mysql`."""
        return self.settings.url.backend

    @property
    def has_migrations(self) -> bool:
        """Whether its directory has an `env.py`."""
        return (self.directory / "env.py").is_file()

    @property
    def progress_table(self) -> str:
        """The table that tells how far a running migration has come."""
        return self.settings.migrations.version_table + PROGRESS_SUFFIX


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A profile that `--all` does not migrate.

    Attributes:
        profile: its name.
        reason: why, such as `read_only is true`.
    """

    profile: str
    reason: str


def resolve_target(settings: DataSettings, profile: str | None = None) -> Target:
    """The profile to migrate; the default profile when none is named.

    Raises:
        UnknownProfileError: no profile of this name can be used.
        ConfigError: the profile is not ours to migrate, or there is no default profile.
    """
    name = settings.resolve_name(profile)
    problem = _refusal(settings, name)
    if problem is not None:
        raise ConfigError([problem])
    return build_target(settings, name)


def resolve_all(settings: DataSettings) -> tuple[list[Target], list[PassedOver]]:
    """Every profile that is ours to migrate, and every other one with its reason."""
    targets, passed = [], []
    for name in settings.profiles:
        problem = _refusal(settings, name)
        if problem is None:
            targets.append(build_target(settings, name))
        else:
            key = problem.key.removeprefix(f"profiles.{name}.")
            passed.append(PassedOver(name, f"{key} {problem.message.partition(',')[0]}"))
    return targets, passed


def startup_targets(settings: DataSettings, default: str) -> Iterator[Target]:
    """The profiles that a module migrates or checks when it starts; a database in memory is its own, and among them."""
    for name in settings.profiles:
        if not any(refused for key, refused, *_ in _reasons(settings.profiles[name]) if key != "database_url"):
            target = build_target(settings, name)
            if name == default or target.has_migrations:
                yield target


def build_target(settings: DataSettings, name: str) -> Target:
    """The target of a profile, whether it may be migrated or not. Pure."""
    profile = settings.profiles[name]
    root = (settings.project_root or Path.cwd()).absolute()
    directory = profile.migrations.directory_of(name)
    place = str(settings.origin_at(("profiles", name, "migrations", "metadata")))
    hidden = frozenset(_own_tables(settings))
    protected = settings.blocks_auto_create
    return Target(name, profile, root / directory, root, place, hidden, settings.environment, protected)


def _own_tables(settings: DataSettings) -> Iterator[str]:
    yield from (MARKER_TABLE, SEEDS_TABLE)
    for profile in settings.profiles.values():
        yield profile.migrations.version_table
        yield profile.migrations.version_table + PROGRESS_SUFFIX


def _refusal(settings: DataSettings, name: str) -> Problem | None:
    """Why a profile is not ours to migrate; None when it is."""
    for key, refused, message, fix in _reasons(settings.profiles[name]):
        if refused:
            path = ("profiles", name, *key.split("."))
            return Problem(str(settings.origin_at(path)), ".".join(path), message, fix=fix)
    return None


def _reasons(profile: DatabaseSettings) -> Iterator[tuple[str, bool, str, str]]:
    """Each reason not to migrate a profile: key, whether it holds, message, fix."""
    others = "name another profile, or --all for every one that can be migrated"
    yield "active", not profile.active, "is false, so nothing opens this profile", "active = true"
    enabled = profile.migrations.enabled
    yield "migrations.enabled", not enabled, "is false, so its schema is not ours to change", others
    yield "read_only", profile.read_only, "is true, and a migration writes", others
    yield "database_url", profile.url.is_memory, "is in memory, and ends with the process that migrates it", others
