"""The same tests on plain engines and on ours: what differs, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.compliance.reasons import Reason
from tests.compliance.runs import Record


@dataclass(frozen=True)
class Difference:
    """A test whose verdict is another on engines of ours.

    Attributes:
        database: the kind of database.
        test: the test's name, without the server.
        plain, ours: the verdicts.
        text: why it did not pass, on whichever engine that was.
        reason: the first reason that fits; None when there is none.
    """

    database: str
    test: str
    plain: str
    ours: str
    text: str
    reason: Reason | None = None


@dataclass
class Comparison:
    """One suite on one database.

    Attributes:
        database: the kind of database.
        suite: the suite's name.
        same: how many tests had which verdict on both engines.
        differences: those that differ, also when they are run again by themselves.
        unsteady: those that differed, and no longer do when they are run again by themselves.
        engines: how many engines of each sort the tests made, in the run on ours.
        server: the version of the server.
        revision: the project's commit.
    """

    database: str
    suite: str
    same: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)
    engines: Counter[str] = field(default_factory=Counter)
    server: str = ""
    revision: str = ""

    @property
    def unexplained(self) -> list[Difference]:
        """Differences without a reason."""
        return [difference for difference in self.differences if difference.reason is None]


def differences_of(database: str, plain: Record, ours: Record) -> list[Difference]:
    """Every test whose two verdicts are not the same."""
    tests = sorted(plain.verdicts.keys() | ours.verdicts.keys())
    found = []
    for test in tests:
        before, after = plain.verdicts.get(test, "did not run"), ours.verdicts.get(test, "did not run")
        if before != after:
            text = ours.texts.get(test) or plain.texts.get(test, "")
            found.append(Difference(database, test, before, after, text))
    return found


def same_of(plain: Record, ours: Record) -> Counter[str]:
    """How many tests came to which verdict on both."""
    return Counter(verdict for test, verdict in plain.verdicts.items() if ours.verdicts.get(test) == verdict)


def explained(differences: Iterable[Difference], reasons: Sequence[Reason]) -> list[Difference]:
    """The differences, each with the first reason that fits."""

    def first(each: Difference) -> Reason | None:
        return next((reason for reason in reasons if reason.fits(each.database, each.test, each.text)), None)

    return [replace(each, reason=first(each)) for each in differences]


def unneeded(comparisons: Iterable[Comparison], reasons: Sequence[Reason]) -> list[Reason]:
    """Reasons that no difference needs any more."""
    needed = {difference.reason for comparison in comparisons for difference in comparison.differences}
    return [reason for reason in reasons if reason not in needed]


def by_reason(comparisons: Iterable[Comparison]) -> Mapping[tuple[Reason | None, str], list[Difference]]:
    """The differences of each reason on each database."""
    found: dict[tuple[Reason | None, str], list[Difference]] = {}
    for comparison in comparisons:
        for each in comparison.differences:
            found.setdefault((each.reason, each.database), []).append(each)
    return found
