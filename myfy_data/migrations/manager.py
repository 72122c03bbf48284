"""`MigrationManager`: the migrations of one profile in plain, synchronous calls (contract C8, seed S11)."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from myfy_data.migrations import commands, files, upstream
from myfy_data.migrations.connection import run_blocking
from myfy_data.migrations.report import CheckReport, CurrentReport, MigrationReport, RevisionInfo
from myfy_data.migrations.runner import read_current
from myfy_data.migrations.target import Target, resolve_target
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.resolve import resolve_settings


class MigrationManager:
    """The migrations of one profile.

    Every call does its work before it returns, in an event loop of its own; inside a running loop, in a thread. The
    same in coroutines: `myfy_data.migrations.commands`.

    Upstream's manager takes a directory in place of a profile. Given one, or where nothing but `alembic.ini` and
    `alembic/` is there, this one works in it, for the default profile, and prints what upstream's printed.

    Args:
        profile: the profile's name; the default profile when None. A `Path` is an `alembic_dir`.
        settings: finished settings, or one profile's, whose set fields count as arguments; loaded at first need when
            None.
        alembic_dir: the directory of the migrations, from the working directory; `migrations.directory` when None.
    """

    def __init__(
        self,
        profile: str | os.PathLike[str] | None = None,
        settings: DataSettings | DatabaseSettings | None = None,
        *,
        alembic_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(profile, os.PathLike):
            profile, alembic_dir = None, profile
        self._profile = profile
        self._settings = settings
        self._given_dir = None if alembic_dir is None else Path(alembic_dir)

    @cached_property
    def target(self) -> Target:
        """The profile, its settings and its directory.

        Raises:
            ConfigError: the configuration cannot be used, or the profile is not ours to migrate.
        """
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[Target, bool]:
        """The target, and whether its directory was said as upstream says it."""
        target = resolve_target(resolve_settings(self._settings, None, None, self._profile), self._profile)
        directory = self._given_dir
        if directory is None and self._profile is None and self._settings is None:
            directory = upstream.find_alembic_dir(target)
        return (target, False) if directory is None else (replace(target, directory=directory.absolute()), True)

    @property
    def alembic_dir(self) -> Path:
        """The directory of the migrations."""
        return self.target.directory

    def init(self) -> list[Path]:
        """Write a new migration directory, and return its files.

        Raises:
            MigrationError: there is one already.
        """
        written = files.init(self.target)
        ini = self.target.directory.parent / "alembic.ini"
        if self._given_dir is not None and not ini.exists():
            written += files.init_ini(replace(self.target, root=ini.parent))
        return written

    def revision(self, message: str, autogenerate: bool = True) -> Path | None:  # noqa: FBT001, FBT002 - upstream's
        """Write a new revision, and return its file; None when there is nothing to write.

        Raises:
            ConfigError: there is no metadata to compare with.
            MigrationError: the database is not at head.
        """
        new = commands.NewRevision(message, autogenerate=autogenerate)
        return run_blocking(lambda: commands.write_revision(self.target, new))

    def upgrade(self, revision: str = "head") -> MigrationReport:
        """Run every revision up to one; of parallel calls, in any process, one runs them and the others wait.

        Raises:
            MigrationError: a revision failed; says what ran.
            MigrationLockError: another process held the lock for longer than `migrations.lock_timeout`.
        """
        return _or_raise(run_blocking(lambda: commands.upgrade(self.target, revision)))

    def downgrade(self, revision: str = "-1", *, yes_drop: str | None = None) -> MigrationReport:
        """Undo every revision down to one.

        Args:
            revision: where to go: a revision, `-1`, `base`.
            yes_drop: the database's name; in production, nothing else lets a first revision be undone.

        Raises:
            ConfigError: production, and a first revision would be undone.
            MigrationError: a revision failed; says what was undone.
            MigrationLockError: another process held the lock for longer than `migrations.lock_timeout`.
        """
        return _or_raise(run_blocking(lambda: commands.downgrade(replace(self.target, may_drop=yes_drop), revision)))

    def current(self) -> CurrentReport:
        """Where the database stands.

        Raises:
            MigrationError: there are no migrations.
            DatabaseConnectionError: the server cannot be reached.
        """
        report = run_blocking(lambda: read_current(self.target))
        if self._found[1]:
            upstream.print_current(report)
        return report

    def history(self) -> list[RevisionInfo]:
        """Every revision, the newest first; connects to nothing.

        Raises:
            MigrationError: there are no migrations.
        """
        revisions = commands.read_history(self.target)
        if self._found[1]:
            upstream.print_history(revisions)
        return revisions

    def check(self) -> CheckReport:
        """Whether the database is at head, and the models with it; changes nothing.

        Raises:
            ConfigError: there is no metadata to compare with.
            MigrationError: there are no migrations.
        """
        return run_blocking(lambda: commands.check(self.target))


def _or_raise(report: MigrationReport) -> MigrationReport:
    report.raise_failure()
    return report
