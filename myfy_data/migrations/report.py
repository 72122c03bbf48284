"""What came of a migration: plain data, for people, for JSON and for code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from myfy_data.errors import DataModuleError

Outcome = Literal["upgraded", "downgraded", "stamped", "nothing to do", "failed", "passed over"]

Tell = Callable[[str, str], None]
"""Called with a profile's name and one line, while something goes on."""


def tell_nothing(profile: str, line: str) -> None:
    """A `Tell` that does nothing."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What happened to one profile's database.

    Attributes:
        profile: the profile's name.
        outcome: what happened, in one word or two.
        before: the revisions that the database was at; empty for none; None when unknown.
        after: those that it is at now; None when unknown.
        revisions: what ran and is complete, in order.
        seconds: how long it took, waiting for the lock included.
        notes: what else the user should know.
        error: why it failed.
    """

    profile: str
    outcome: Outcome
    before: tuple[str, ...] | None = ()
    after: tuple[str, ...] | None = ()
    revisions: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: DataModuleError | None = field(default=None, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return self.error is None

    def raise_failure(self) -> None:
        """Raise why it failed, if it did.

        Raises:
            MigrationError: a revision failed, or could not begin.
            DatabaseConnectionError: the database cannot be reached.
        """
        if self.error is not None:
            raise self.error

    def as_json(self) -> dict[str, object]:
        """The report as `--json` gives it."""
        return {
            "profile": self.profile,
            "outcome": self.outcome,
            "from": _listed(self.before),
            "to": _listed(self.after),
            "revisions": list(self.revisions),
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
            "error": None if self.error is None else str(self.error),
        }


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """One revision of a profile's directory.

    Attributes:
        revision: its identifier.
        parents: the revisions that it follows; empty for the first one.
        message: its message.
        path: its file.
        is_head: whether no revision follows it.
        branches: its branch labels.
    """

    revision: str
    parents: tuple[str, ...]
    message: str
    path: str
    is_head: bool
    branches: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The revision as `--json` gives it."""
        return {
            "revision": self.revision,
            "parents": list(self.parents),
            "message": self.message,
            "path": self.path,
            "head": self.is_head,
            "branches": list(self.branches),
        }


@dataclass(frozen=True, slots=True)
class CurrentReport:
    """Where one profile's database stands.

    Attributes:
        profile: the profile's name.
        current: the revisions that the database is at; empty for none.
        heads: the revisions that its directory ends with.
        interrupted: what an earlier run left unfinished, in words; empty when nothing.
        is_half_done: whether statements of that run are in the database, so that it is at no revision.
        unknown: those of `current` that no file of the directory has.
    """

    profile: str
    current: tuple[str, ...]
    heads: tuple[str, ...]
    interrupted: str = ""
    is_half_done: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def is_at_head(self) -> bool:
        """Whether there is nothing to run, and nothing half done."""
        return set(self.current) == set(self.heads) and not self.is_half_done

    @property
    def fix(self) -> str:
        """The command that brings the database to head; empty when it is there."""
        if self.is_half_done:
            return finishing_command(self.profile, self.interrupted)
        if self.unknown:
            return unknown_revision_fix(self.profile)
        return "" if self.is_at_head else f"myfy-data db upgrade --profile {self.profile}"

    def as_json(self) -> dict[str, object]:
        """The answer as `--json` gives it."""
        return {
            "profile": self.profile,
            "current": list(self.current),
            "heads": list(self.heads),
            "at_head": self.is_at_head,
            "interrupted": self.interrupted,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Whether one profile's database is at head, and its models with it.

    Attributes:
        profile: the profile's name.
        state: where the database stands.
        drift: what the models have and head does not, or the reverse, one line each; empty when not at head, because
            only then can they be compared.
    """

    profile: str
    state: CurrentReport
    drift: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is nothing to run and nothing to write."""
        return self.state.is_at_head and not self.drift

    def as_json(self) -> dict[str, object]:
        """The answer as `--json` gives it."""
        return {**self.state.as_json(), "ok": self.ok, "drift": list(self.drift)}


def finishing_command(profile: str, step: str) -> str:
    """How to finish a run that was interrupted; `step` begins with which way it went."""
    if step.startswith("downgrade"):
        return f"correct what stopped it, then finish it: myfy-data db downgrade -1 --profile {profile}"
    return f"correct what stopped it, then finish it: myfy-data db upgrade --profile {profile}"


def unknown_revision_fix(profile: str) -> str:
    """What to do about a database that is at a revision which no file has."""
    return (
        f"deploy the code that has it; or, where its history was squashed into one revision that says the same:"
        f" myfy-data db stamp --purge head --profile {profile}"
    )


def _listed(revisions: tuple[str, ...] | None) -> list[str] | None:
    return None if revisions is None else list(revisions)


def listed_revisions(revisions: tuple[str, ...]) -> str:
    """Revisions in words; `base` for none, as Alembic says it."""
    return ", ".join(sorted(revisions)) or "base"
