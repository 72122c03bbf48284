"""The worst of what was slow, kept in a bounded memory (contract C12.3)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

KEPT = 100


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """The worst of what was slow in one way: of one statement, or of one place.

    Attributes:
        profile: the profile's name.
        kind: `statement`, `commit`, `rollback`, `wait`, `transaction` or `repeated`.
        waited_s: seconds of waiting for a connection or a turn.
        ran_s: seconds of running.
        rows: how many rows it had; None where that is not known.
        fingerprint: the same for the same statement.
        statement: its text without literals.
        place: the line of code, as `file.py:line in function`.
        count: how often it was slow.
    """

    profile: str
    kind: str
    waited_s: float
    ran_s: float
    rows: int | None
    fingerprint: str
    statement: str
    place: str
    count: int = 1

    @property
    def total_s(self) -> float:
        """Seconds in all."""
        return self.waited_s + self.ran_s


class SlowQueries:
    """Remembers the worst; several event loops in threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worst: dict[tuple[str, str, str], SlowQuery] = {}

    def add(self, found: SlowQuery) -> None:
        """Take note of something slow."""
        key = (found.profile, found.kind, found.fingerprint or found.place)
        with self._lock:
            known = self._worst.get(key)
            if known is not None:
                worse = found if found.total_s > known.total_s else known
                found = replace(worse, count=known.count + found.count)
            self._worst[key] = found
            if len(self._worst) > KEPT:
                least = min(self._worst, key=lambda each: self._worst[each].total_s)
                del self._worst[least]

    def worst(self) -> tuple[SlowQuery, ...]:
        """What was slowest first."""
        with self._lock:
            found = list(self._worst.values())
        return tuple(sorted(found, key=lambda each: each.total_s, reverse=True))
