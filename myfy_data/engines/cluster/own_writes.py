"""What a request, task or job wrote: its reads do not go where that may be missing (contract C11.4; ADR 33, 47)."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.connect.position import Position
from myfy_data.engines.pool.loop_affinity import current_task, running_loop
from myfy_data.settings.database_settings import DatabaseSettings

monotonic: Callable[[], float] = time.monotonic

_LOOKS = 3
"""Heartbeats that what is known of a replica may be old: one to the next look, one for its answer, one for jitter."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed to one profile.

    Attributes:
        until: monotonic seconds from which a replica that may serve has it.
        unknown_until: as `until`, of what was committed or not; it may be stored later than any position says.
        answer: how far the primary had come after the last commit, where that was asked.
        told: the same, where it came with the request.
    """

    until: float = float("-inf")
    unknown_until: float = float("-inf")
    answer: Answer | None = None
    told: Position | None = None

    @property
    def position(self) -> Position | None:
        """What a replica must have applied; None while that is not known."""
        if self.answer is None:
            return self.told
        return self.answer.result() if self.answer.done() and not self.answer.cancelled() else None

    @property
    def seconds_left(self) -> float:
        """Seconds until a replica surely has it; 0 or less when it has."""
        return max(self.until, self.unknown_until) - monotonic()

    @property
    def is_unknown(self) -> bool:
        """Whether some of it may be stored yet."""
        return self.unknown_until > monotonic()


class OwnWrites:
    """What the sessions of one request or task committed last, by profile.

    Args:
        owner: the task whose commits these are; None for a request, which may have several.
        noted: what is known from before: a task that writes begins with what the one that started it knows, a request
            with what its client brought.

    Attributes:
        changed: the profiles that were committed to since.
    """

    __slots__ = ("_noted", "_owner", "changed")

    def __init__(self, owner: weakref.ref[asyncio.Task[object]] | None, noted: Mapping[str, Written]) -> None:
        self._owner = owner
        self._noted = dict(noted)
        self.changed: set[str] = set()

    @property
    def is_of_request(self) -> bool:
        """Whether they are a request's, of which nothing may wait for an answer."""
        return self._owner is None

    def note(self, profile: str, seconds: float, answer: Answer | None = None) -> None:
        """A session of the profile commits now.

        Args:
            profile: its name.
            seconds: after which a replica that may serve has it.
            answer: how far the primary has come after that, where it is asked.
        """
        self.changed.add(profile)
        self.note_due(profile, seconds, answer)

    def note_due(self, profile: str, seconds: float, answer: Answer | None = None) -> Written:
        """As `note`, before it is known whether anything is stored; what was known before, for `restore`."""
        before = self.written(profile)
        self._noted[profile] = Written(monotonic() + seconds, before.unknown_until, answer)
        return before

    def restore(self, profile: str, before: Written) -> None:
        """Nothing was stored."""
        self._noted[profile] = before

    def note_unknown(self, profile: str, seconds: float) -> None:
        """A session of the profile got no answer to its COMMIT; arguments as for `note`."""
        self.changed.add(profile)
        self._noted[profile] = replace(self.written(profile), unknown_until=monotonic() + seconds)

    def written(self, profile: str) -> Written:
        """What was committed to a profile."""
        return self._noted.get(profile, _NOTHING)

    def of_task(self, task: weakref.ref[asyncio.Task[object]]) -> OwnWrites:
        """Those for a task: these, or its own that begin with these."""
        return self if self._owner is None or self._owner == task else OwnWrites(task, self._noted)


_NOTHING = Written()
NOTES: ContextVar[OwnWrites | None] = ContextVar("myfy_data_own_writes", default=None)


class Requests:
    """Whether requests have anything to keep apart: no profile with one server pays for it."""

    are_apart = False


def keep_requests_apart() -> None:
    """From now on, each request has notes of its own."""
    Requests.are_apart = True


def notes_of_task() -> OwnWrites | None:
    """The notes to write into: the request's, else the running task's; None outside of any task."""
    task = current_task() if running_loop() is not None else None
    if task is None:
        return None
    found = NOTES.get()
    notes = OwnWrites(task, {}) if found is None else found.of_task(task)
    if notes is not found:
        NOTES.set(notes)
    return notes


def written(profile: str, settings: DatabaseSettings) -> Written | None:
    """What the reads of this request or task must find; None when any replica that may serve has it."""
    notes = NOTES.get()
    if notes is None or settings.reads.consistency == "eventual":
        return None
    found = notes.written(profile)
    return found if found.seconds_left > 0 else None


def window(settings: DatabaseSettings) -> float:
    """Seconds after which a replica that may serve has what was committed: twice `max_lag` (contract C11.4).

    More where looks are rarer than that: a replica was at most `max_lag` behind when it was looked at.
    """
    max_lag = settings.reads.max_lag
    return max(2 * max_lag, max_lag + _LOOKS * settings.cluster.heartbeat)


@contextmanager
def request_notes(brought: Mapping[str, Written] | None = None) -> Iterator[OwnWrites | None]:
    """Keep what a request writes from every other request, also from one that the same task serves.

    Args:
        brought: what its client has written before, by profile.
    """
    if not Requests.are_apart and not brought:
        yield None
        return
    outer = NOTES.get()
    notes = OwnWrites(None, brought or {})
    NOTES.set(notes)
    try:
        yield notes
    finally:
        NOTES.set(outer)
