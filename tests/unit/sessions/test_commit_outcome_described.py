"""One sentence for each outcome of a request's end (contract C5.3, C5.7, C16.4)."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data.errors import CommitOutcomeUnknown, PartialCommitError, TransactionEndedError
from myfy_data.sessions.commit_outcome import Outcome, describe_outcome

CANCELLED = asyncio.CancelledError()
UNKNOWN = CommitOutcomeUnknown("main", "lost")


def ended(profile: str = "main", *, committed: bool | None = False) -> TransactionEndedError:
    return TransactionEndedError(profile, "a deadlock", committed=committed)


def partial(cause: BaseException) -> PartialCommitError:
    error = PartialCommitError(["a"], "b")
    error.__cause__ = cause
    return error


SENTENCES = [
    (ValueError(), {"main": Outcome.NOT_REACHED}, "was not committed (profiles 'main'): ValueError"),
    (
        ValueError(),
        {"a": Outcome.REFUSED, "b": Outcome.NOT_REACHED},
        "was not committed (profiles 'a', 'b'): ValueError",
    ),
    (CANCELLED, {"main": Outcome.NOT_REACHED}, "was not committed (profiles 'main'): CancelledError"),
    (CANCELLED, {"main": Outcome.STORED}, "is stored (profiles 'main'), although the request was cancelled"),
    (
        CANCELLED,
        dict.fromkeys("ab", Outcome.STORED),
        "is stored (profiles 'a', 'b'), although the request was cancelled",
    ),
    (OSError(), {"main": Outcome.STORED}, "is stored (profiles 'main'), although its end failed: OSError"),
    (UNKNOWN, {"main": Outcome.UNKNOWN}, "its work may be stored or not (profiles 'main'): CommitOutcomeUnknown"),
    (
        UNKNOWN,
        {"a": Outcome.UNKNOWN, "b": Outcome.NOT_REACHED},
        "is not stored as a whole ('a' stored or not, 'b' not stored): CommitOutcomeUnknown",
    ),
    (
        partial(ValueError()),
        {"a": Outcome.STORED, "b": Outcome.REFUSED, "c": Outcome.NOT_REACHED},
        "is stored in part ('a' stored, 'b' not committed, 'c' not stored): PartialCommitError",
    ),
    (
        ended(),
        {"main": Outcome.REFUSED},
        "was not committed, the database had ended its transaction (profiles 'main'): TransactionEndedError",
    ),
    (
        ended(committed=True),
        {"main": Outcome.NOT_REACHED},
        "is stored up to where the database ended its transaction (profiles 'main'): TransactionEndedError",
    ),
    (
        ended(committed=None),
        {"main": Outcome.REFUSED},
        "is unknown: its work may be stored or not (profiles 'main'): TransactionEndedError",
    ),
    (
        partial(ended("b")),
        {"a": Outcome.STORED, "b": Outcome.REFUSED},
        "is stored in part ('a' stored, 'b' not stored, ended by the database): PartialCommitError",
    ),
    (
        ended("b", committed=True),
        {"a": Outcome.NOT_REACHED, "b": Outcome.NOT_REACHED},
        "is stored in part ('a' not stored, 'b' stored as far as it was when the database ended it): TransactionEnded",
    ),
]


@pytest.mark.parametrize(("error", "outcomes", "sentence"), SENTENCES)
def test_the_sentence_says_what_became_of_each(
    error: BaseException, outcomes: dict[str, Outcome], sentence: str
) -> None:
    assert sentence in describe_outcome(outcomes, error)


@pytest.mark.parametrize(("error", "outcomes", "sentence"), SENTENCES)
def test_what_may_be_stored_is_never_said_to_be_rolled_back(
    error: BaseException, outcomes: dict[str, Outcome], sentence: str
) -> None:
    said = describe_outcome(outcomes, error)

    assert "rolled back" not in said
    if len(set(outcomes.values())) == 1 and Outcome.STORED in outcomes.values():
        assert "not" not in said
