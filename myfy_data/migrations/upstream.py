"""What upstream's package does for migrations, for packages and commands that were written for it (contract C15)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.files import ENV
from myfy_data.migrations.report import CurrentReport, RevisionInfo
from myfy_data.migrations.target import Target
from myfy_data.redaction import DatabaseURL
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.loader import load_settings
from myfy_data.settings.urls import ConnectionURL, absolute_sqlite


def create_alembic_env_template(database_url: str | DatabaseURL) -> str:
    """The text of an `env.py` for the profile that has this address; it holds no URL and no secret.

    Args:
        database_url: the address of one of the profiles.

    Raises:
        ConfigError: no profile has it, so that `env.py` could not find it again.
    """
    asked = _file_of(DatabaseSettings(database_url=database_url).url)
    profiles = load_settings().profiles
    profile = next((name for name, settings in profiles.items() if _file_of(settings.url) == asked), None)
    if profile is None:
        message = "no profile has this address, and env.py asks a profile for its own"
        raise ConfigError([Problem("argument", "database_url", message, fix="set MYFY_DATA_DATABASE_URL to it")])
    return ENV.format(profile=profile)


def _file_of(url: ConnectionURL) -> ConnectionURL:
    return replace(absolute_sqlite(url, Path.cwd()), derived=False)


def find_alembic_dir(target: Target) -> Path | None:
    """Upstream's directory, where it is there and the profile's own is not; else None."""
    directory = Path("alembic")
    if target.has_migrations or target.settings.migrations.directory is not None:
        return None
    return directory if (directory / "env.py").is_file() and Path("alembic.ini").is_file() else None


def print_current(report: CurrentReport) -> None:
    """Print where a database stands, as Alembic's command does."""
    for revision in report.current:
        sys.stdout.write(f"{revision}{' (head)' if revision in report.heads else ''}\n")


def print_history(revisions: Iterable[RevisionInfo]) -> None:
    """Print revisions, the newest first, as Alembic's command does."""
    for info in revisions:
        parents = ", ".join(info.parents) or "<base>"
        sys.stdout.write(f"{parents} -> {info.revision}{' (head)' if info.is_head else ''}, {info.message}\n")
