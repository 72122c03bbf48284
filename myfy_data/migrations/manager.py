"""`MigrationManager`: the migrations of one profile in plain, synchronous calls (contract C8, seed S11)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from myfy_data.migrations import files, operations
from myfy_data.migrations.database import run_blocking
from myfy_data.migrations.report import CheckReport, CurrentReport, MigrationReport, RevisionInfo
from myfy_data.migrations.runner import read_current
from myfy_data.migrations.target import Target, resolve_target
from myfy_data.settings.given import resolve_settings
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.root import DataSettings


class MigrationManager:
    """The migrations of one profile.

    Every call does its work before it returns, in an event loop of its own; inside a running loop, in a thread. The
    same in coroutines: `myfy_data.migrations.operations`.

    Args:
        profile: the profile's name; the default profile when None.
        settings: finished settings, or one profile's, whose set fields count as arguments; loaded at first need when
            None.
    """

    def __init__(self, profile: str | None = None, settings: DataSettings | DatabaseSettings | None = None) -> None:
        self._profile = profile
        self._settings = settings

    @cached_property
    def target(self) -> Target:
        """The profile, its settings and its directory.

        Raises:
            ConfigError: the configuration cannot be used, or the profile is not ours to migrate.
        """
        return resolve_target(resolve_settings(self._settings, None, None, self._profile), self._profile)

    def init(self) -> list[Path]:
        """Write a new migration directory, and return its files.

        Raises:
            MigrationError: there is one already.
        """
        return files.init(self.target)

    def revision(self, message: str, *, autogenerate: bool = True) -> Path | None:
        """Write a new revision, and return its file; None when there is nothing to write.

        Raises:
            ConfigError: there is no metadata to compare with.
            MigrationError: the database is not at head.
        """
        new = operations.NewRevision(message, autogenerate=autogenerate)
        return run_blocking(lambda: operations.write_revision(self.target, new))

    def upgrade(self, revision: str = "head") -> MigrationReport:
        """Run every revision up to one; of parallel calls, in any process, one runs them and the others wait.

        Raises:
            MigrationError: a revision failed; says what ran.
            MigrationLockError: another process held the lock for longer than `migrations.lock_timeout`.
        """
        return _or_raise(run_blocking(lambda: operations.upgrade(self.target, revision)))

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
        return _or_raise(run_blocking(lambda: operations.downgrade(replace(self.target, may_drop=yes_drop), revision)))

    def current(self) -> CurrentReport:
        """Where the database stands.

        Raises:
            MigrationError: there are no migrations.
            DatabaseConnectionError: the server cannot be reached.
        """
        return run_blocking(lambda: read_current(self.target))

    def history(self) -> list[RevisionInfo]:
        """Every revision, the newest first; connects to nothing.

        Raises:
            MigrationError: there are no migrations.
        """
        return operations.read_history(self.target)

    def check(self) -> CheckReport:
        """Whether the database is at head, and the models with it; changes nothing.

        Raises:
            ConfigError: there is no metadata to compare with.
            MigrationError: there are no migrations.
        """
        return run_blocking(lambda: operations.check(self.target))


def _or_raise(report: MigrationReport) -> MigrationReport:
    if report.error is not None:
        raise report.error
    return report
