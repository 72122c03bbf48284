"""What came of each run, and which promises it broke."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from tests.faults.cases import ALLOWANCE, ROWS, Case
from tests.faults.messages import Message


class Outcome(enum.Enum):
    """What the caller of a request was told."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


@dataclass
class Run:
    """One request with a trouble on its n-th message, the request after it, and the end of the module.

    Attributes:
        case: the loop that it belongs to.
        nth: the message on which the trouble fell.
        label: the text of the row that the request stores.
        hit: that message; None when the request and the end had fewer messages.
        outcome: what the caller was told.
        error: with which exception.
        seconds: how long the request took.
        end_seconds: how long the end of the module took.
        requests: requests that were made, those before and after included.
        sent_commit: whether a COMMIT reached the proxy.
        checked_out: connections that were not given back.
        left_open: connections without an owner that are still open.
        complaint: what the next request or the end failed with.
        wrote_after: whether the request after it was told that its row is stored.
        rows: how many of its rows are stored; None until it was read.
        lost_after: whether the row of the request after it is missing all the same.
    """

    case: Case
    nth: int
    label: str
    hit: Message | None = None
    outcome: Outcome = Outcome.DONE
    error: str = ""
    seconds: float = 0.0
    end_seconds: float = 0.0
    requests: int = 0
    sent_commit: bool = False
    checked_out: int = 0
    left_open: int = 0
    complaint: str = ""
    wrote_after: bool = False
    rows: int | None = None
    lost_after: bool = False

    def __str__(self) -> str:
        told = f"{self.outcome.value}{f' ({self.error})' if self.error else ''} in {self.seconds:.1f} s"
        return f"{self.case}, message {self.nth} ({self.hit}): {told}"

    @property
    def exceeded(self) -> bool:
        """Whether the request or the end took longer than the deadlines that it met and what C10 allows beyond."""
        return max(self.seconds, self.end_seconds) > self.case.phases * self.case.deadline + ALLOWANCE

    @property
    def label_after(self) -> str:
        """The text of the row that the request after it stores."""
        return f"{self.label}, after"

    def look(self, stored: Collection[str]) -> None:
        """See what is stored, when nothing is under way any more."""
        self.rows = (self.label in stored) + (f"{self.label}+" in stored)
        self.lost_after = self.wrote_after and self.label_after not in stored

    @property
    def untruths(self) -> list[str]:
        """Where what the caller was told is not what is stored."""
        rows, expected = self.rows, ROWS[self.case.request]
        found = {
            f"lost: {rows} of {expected} rows are stored": self.outcome is Outcome.DONE and rows != expected,
            f"stored: {rows} rows, though it {self.outcome.value}": self.outcome in _NOTHING and rows != 0,
            f"torn: {rows} of {expected} rows": self.outcome is Outcome.UNKNOWN and rows not in (0, expected),
            "lost: the row of the request after it": self.lost_after,
            "unknown, though no COMMIT was sent": self.outcome is Outcome.UNKNOWN and not self.sent_commit,
        }
        return [what for what, is_so in found.items() if is_so]

    @property
    def problems(self) -> list[str]:
        """The promises that it broke, the bound excepted: a busy machine breaks it too, so it is counted apart."""
        found = {
            "failed, though the delay was within the deadline": self.case.trouble.is_harmless
            and self.outcome is not Outcome.DONE,
            f"{self.checked_out} connections were not given back": self.checked_out,
            f"{self.left_open} connections were left open": self.left_open,
            self.complaint: self.complaint,
        }
        return self.untruths + [what for what, is_so in found.items() if is_so]


_NOTHING = (Outcome.FAILED, Outcome.CANCELLED)
"""Outcomes after which nothing may be stored."""


def says_stored(cancelled: asyncio.CancelledError) -> bool:
    """Whether a cancellation says that it came after an answered COMMIT."""
    return any("the work is stored" in note for note in getattr(cancelled, "__notes__", ()))


def told(error: BaseException) -> str:
    """An exception's name; for SQLAlchemy's, also the driver's."""
    name = type(error).__name__
    if not isinstance(error, DBAPIError) or error.orig is None:
        return name
    orig = type(error.orig.__cause__ or error.orig).__name__
    return name if orig == name else f"{name} of {orig}"
