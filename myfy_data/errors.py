"""Every exception of the library: one class for each decision that a caller can make.

    DataModuleError
      ConfigError                      fix the files or the environment; nothing has been opened
        UnknownProfileError            the name is not declared; names the near one
        InvalidDatabaseURLError        the URL cannot be used as it stands
      DataModuleNotConfiguredError     the module was used after stop(), or was never set up
      AutoCreateTablesProductionError  auto_create_tables is for development only
      DatabaseConnectionError          the server cannot be reached, or refuses us
        ConnectTimeoutError            ... and did not answer in time (also a DatabaseTimeoutError)
      DatabaseTimeoutError             a deadline of a profile passed; names the phase (also a TimeoutError)
      MissingPackageError              a package is not installed (also an ImportError)
        MissingDriverError             ... and it is the database driver
      UnsupportedPackageError          ... is installed and of no use: broken, or another version (also an ImportError)
      SessionError                     a session was used in a way that cannot be right
        ReadOnlySessionError           a write in a session that is read-only
        ConcurrentSessionError         two tasks used one session at once
        WrongEventLoopError            a session was carried to another event loop or process
        TransactionEndedError          the database ended the transaction; the unit of work is over
      CommitOutcomeUnknown             whether the COMMIT took place is unknown
      PartialCommitError               some profiles were committed, then one failed
      MigrationError                   a migration did not run to its end; says what ran
        MigrationLockError             another process migrates the database, longer than we wait
        RevisionMismatchError          the database is not at the revision that the code wants

`PoolExhausted` is a `DatabaseTimeoutError` and also SQLAlchemy's `TimeoutError`, so it stands in `engines.pool.errors`.
Fields come first; the text is built from them, and no secret ever enters a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

ProblemKind = Literal["config", "unknown_profile", "invalid_url"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where, what, and the fix (contract C3.11).

    Attributes:
        place: `file:line:column`, `env NAME`, or another origin in words; may be empty.
        key: the key path concerned; may be empty.
        message: what is wrong, without any secret value.
        facts: further lines that help, such as the other place of a conflict.
        fix: what to do; works when pasted. May be empty only where nothing can be advised.
        kind: which `ConfigError` a problem becomes when it stands alone.
    """

    place: str
    key: str
    message: str
    facts: tuple[str, ...] = ()
    fix: str = ""
    kind: ProblemKind = "config"

    def __str__(self) -> str:
        lines = [": ".join(part for part in (self.place, self.key, self.message) if part)]
        lines += [f"    {fact}" for fact in self.facts]
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The problem as `--json` gives it."""
        told = asdict(self)
        del told["kind"]
        return told


class DataModuleError(Exception):
    """The base of every exception that this library raises on purpose."""


class ConfigError(DataModuleError):
    """The configuration cannot be used; `problems` holds everything that is wrong with it.

    Attributes:
        problems: all problems of all layers, in the order of the layers.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownProfileError(ConfigError):
    """A profile was named that no layer declares."""


class InvalidDatabaseURLError(ConfigError):
    """A database URL that cannot be used: malformed, or for a database that is not supported."""


def config_error(problems: Sequence[Problem]) -> ConfigError:
    """The exception for these problems: the special class where there is one problem of its kind."""
    special = {"unknown_profile": UnknownProfileError, "invalid_url": InvalidDatabaseURLError}
    kinds = {problem.kind for problem in problems}
    error = special.get(kinds.pop(), ConfigError) if len(kinds) == 1 else ConfigError
    return error(problems)


class DataModuleNotConfiguredError(DataModuleError):
    """The module was used after `stop()`, or before it was set up."""


def closed_engine(profile: str) -> DataModuleNotConfiguredError:
    """The error of an engine that was kept beyond `stop()`."""
    return DataModuleNotConfiguredError(
        f"profile {profile!r}: the engine was closed\n"
        "  fix: get it anew from a module that was started: data.get_engine()"
    )


class AutoCreateTablesProductionError(DataModuleError):
    """`auto_create_tables` was asked for in an environment where it is refused (seed S5).

    Attributes:
        environment: the environment's name.
    """

    def __init__(self, environment: str) -> None:
        self.environment = environment
        super().__init__(
            f"auto_create_tables is refused in environment {environment!r}: tables are changed by migrations there\n"
            "  fix: DataModule(auto_create_tables=False)"
        )


class DatabaseConnectionError(DataModuleError):
    """A profile's server could not be reached, or refused the connection.

    The driver's own error is the `__cause__` where it holds no secret.

    Attributes:
        profile: the profile's name.
        target: the server in words, without a password.
        reason: what went wrong, in one line.
    """

    def __init__(self, profile: str, target: str, reason: str, fix: str = "") -> None:
        self.profile = profile
        self.target = target
        self.reason = reason
        advice = f"\n  fix: {fix}" if fix else ""
        # By name: in a class that is also another error of ours, super() would be that one.
        DataModuleError.__init__(self, f"profile {profile!r}: cannot connect to {target}: {reason}{advice}")


Phase = Literal["connect", "checkout", "statement", "commit", "rollback"]
"""What was waited for when a deadline passed."""


class DatabaseTimeoutError(DataModuleError, TimeoutError):
    """A deadline of a profile passed (contract C10). At COMMIT sessions raise `CommitOutcomeUnknown` from it.

    Attributes:
        profile: the profile's name.
        phase: what was waited for.
        seconds: how long.
    """

    def __init__(self, profile: str, phase: Phase, seconds: float, message: str = "") -> None:
        self.profile = profile
        self.phase: Phase = phase
        self.seconds = seconds
        DataModuleError.__init__(self, message or self._text())

    def _text(self) -> str:
        what = {"statement": "a statement", "commit": "COMMIT", "rollback": "ROLLBACK"}.get(self.phase, self.phase)
        open_end = "; the transaction may be stored or not" if self.phase == "commit" else ""
        return (
            f"profile {self.profile!r}: no answer to {what} within {self.seconds:g} s{open_end}\n"
            "  fix: look what keeps the server; work that takes longer needs a larger command_timeout"
        )


class ConnectTimeoutError(DatabaseConnectionError, DatabaseTimeoutError):
    """A profile's server did not take a connection, handshake included, within `connect_timeout`."""

    def __init__(self, profile: str, target: str, reason: str, fix: str = "", *, seconds: float) -> None:
        DatabaseConnectionError.__init__(self, profile, target, reason, fix)
        self.phase: Phase = "connect"
        self.seconds = seconds


class MissingPackageError(DataModuleError, ImportError):
    """An optional package is not installed; the message holds the line that installs it.

    Attributes:
        package: the name to import.
        install: the command that installs it.
    """

    def __init__(self, message: str, *, package: str, install: str) -> None:
        self.package = package
        self.install = install
        super().__init__(f"{message}\n  fix: {install}")


class MissingDriverError(MissingPackageError):
    """The driver that a profile's URL asks for is not installed.

    Attributes:
        profile: the profile's name.
        driver: SQLAlchemy's driver name, such as `postgresql+asyncpg`.
    """

    def __init__(self, profile: str, driver: str, *, package: str, install: str) -> None:
        self.profile = profile
        self.driver = driver
        super().__init__(
            f"profile {profile!r}: the driver {package!r} for {driver} is not installed",
            package=package,
            install=install,
        )


class UnsupportedPackageError(DataModuleError, ImportError):
    """A package is installed and cannot be used: it cannot be imported, or it is a version that does not work.

    Nothing was opened. What this library uses of a package is verified when the package is loaded (contract C16.1).

    Attributes:
        package: the name to install.
        version: the one that is installed; empty when that cannot be told.
        reason: what does not work.
        install: the command that installs a version which works.
        profile: the profile that needs it; empty when it is no profile's.
    """

    def __init__(self, package: str, version: str, reason: str, *, install: str, profile: str = "") -> None:
        self.package = package
        self.version = version
        self.reason = reason
        self.install = install
        self.profile = profile
        whose = f"profile {profile!r}: " if profile else ""
        installed = f"{package} {version}" if version else package
        super().__init__(f"{whose}{installed} {reason}\n  fix: {install}")


class SessionError(DataModuleError):
    """A session was used in a way that cannot be right.

    Attributes:
        profile: the profile's name.
    """

    def __init__(self, profile: str, message: str) -> None:
        self.profile = profile
        super().__init__(f"profile {profile!r}: {message}")


class ReadOnlySessionError(SessionError):
    """A write was sent in a read-only session; the server refused it (contract C5.10)."""


class ConcurrentSessionError(SessionError):
    """Two tasks used one session at the same time (contract C5.9)."""


class WrongEventLoopError(SessionError):
    """A session was carried to another event loop or into another process (contract C4)."""


class TransactionEndedError(SessionError):
    """The database ended the transaction, so its unit of work is over: nothing is sent until it is rolled back.

    Raised for whatever comes after that, COMMIT included (contract C16.4). What ended it is the exception's cause,
    where that was an error.

    Attributes:
        profile: the profile's name.
        committed: whether the database kept what came before: True where it is stored, False where it is rolled
            back; None where neither is known, because the server told only that no transaction is open any more.
    """

    def __init__(self, profile: str, reason: str, *, committed: bool | None = False) -> None:
        self.committed = committed
        kept = {True: "is stored", False: "is not stored", None: "may be stored or not"}[committed]
        super().__init__(
            profile,
            f"the transaction has ended: {reason}; what came before it {kept}, and nothing is sent until the session is"
            f" rolled back\n  fix: {_fix_of_end(committed=committed)}",
        )


def _fix_of_end(*, committed: bool | None) -> str:
    if committed is None:
        return "look for the rows on a fresh connection before doing the work again"
    return "let the error leave the block, or `await session.rollback()`, and do the whole work again"


class CommitOutcomeUnknown(DataModuleError):
    """The connection broke at COMMIT: the work may be stored or not (contract C5.3). Never retried.

    Attributes:
        profile: the profile's name.
    """

    def __init__(self, profile: str, reason: str) -> None:
        self.profile = profile
        super().__init__(
            f"profile {profile!r}: the answer to COMMIT never came ({reason}); the transaction may be stored or not\n"
            "  fix: look for the rows on a fresh connection before doing the work again"
        )


class PartialCommitError(DataModuleError):
    """Several profiles took part in one unit of work; some were committed, then one failed (C5.7).

    Attributes:
        committed: profiles whose work is stored.
        failed: the profile whose COMMIT failed.
        unknown: whether `failed` may be stored, too (contract C5.3).
    """

    def __init__(self, committed: Sequence[str], failed: str, *, unknown: bool = False) -> None:
        self.committed: list[str] = list(committed)
        self.failed = failed
        self.unknown = unknown
        came_to = "nobody can tell whether its COMMIT took place" if unknown else "its COMMIT failed"
        stored = ", ".join(repr(name) for name in self.committed) or "none"
        super().__init__(f"profile {failed!r}: {came_to}, after these profiles were committed: {stored}")


class MigrationError(DataModuleError):
    """A migration, or a question about migrations, did not come to its end.

    Attributes:
        profile: the profile's name.
        reason: what went wrong, in one line.
        facts: what is known about the database now, one line each.
        fix: what to do; may be empty.
    """

    def __init__(self, profile: str, reason: str, *, facts: Sequence[str] = (), fix: str = "") -> None:
        self.profile = profile
        self.reason = reason
        self.facts: tuple[str, ...] = tuple(facts)
        self.fix = fix
        lines = [f"profile {profile!r}: {reason}", *(f"    {fact}" for fact in facts)]
        super().__init__("\n".join([*lines, f"  fix: {fix}"] if fix else lines))


class MigrationLockError(MigrationError):
    """Another process migrates the same database, and did not end within `migrations.lock_timeout`.

    Attributes:
        waited: seconds spent waiting.
        holder: the session or process that holds the lock, as far as the database tells.
        ended_by: the statement or command that ends the holder; empty when unknown.
    """

    def __init__(self, profile: str, *, waited: float, holder: str, ended_by: str = "") -> None:
        self.waited = waited
        self.holder = holder
        self.ended_by = ended_by
        longer = max(60.0, 2 * waited)
        super().__init__(
            profile,
            f"another process migrates this database, for more than the {waited:g} s that we wait",
            facts=(f"the lock is held by {holder}",),
            fix=f"wait longer, with --lock-timeout {longer:g} or"
            f" lock_timeout = {longer} in [data.profiles.{profile}.migrations]"
            + (f"; or end the other one: {ended_by}" if ended_by else ""),
        )


class RevisionMismatchError(MigrationError):
    """The database is not at the revision that the code wants (`DataModule(migrations="check")`).

    Attributes:
        found: the revisions that the database is at; empty for none.
        wanted: the revisions that the code's migrations end with.
    """

    def __init__(self, profile: str, *, found: Sequence[str], wanted: Sequence[str], fix: str = "") -> None:
        self.found: tuple[str, ...] = tuple(found)
        self.wanted: tuple[str, ...] = tuple(wanted)
        here, there = (", ".join(sorted(names)) or "base" for names in (found, wanted))
        super().__init__(
            profile,
            f"the database is at revision {here}, and this code wants {there}",
            fix=fix or f"myfy-data db upgrade --profile {profile}",
        )
