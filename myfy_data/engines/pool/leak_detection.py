"""Connections that are checked out: since when, and, when that is asked for, from which line of code."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterator, KeysView
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

import sqlalchemy
from greenlet import getcurrent  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy.pool import ConnectionPoolEntry

logger: logging.Logger = logging.getLogger("myfy_data")

_DEPTH = 100
"""Frames that are looked at; a stack of a request is shorter."""

_SHOWN = 12
"""Lines that are told: frames of a server below the user's code do not help."""

_MACHINERY = (
    str(Path(sqlalchemy.__file__).parent),
    str(Path(asyncio.__file__).parent),
    str(Path(__file__).parents[2]),
)
"""Where frames that say nothing about the user's code come from."""

_GENERATED = ("<frozen ", "<sqlalchemy ")
"""How the names of files begin that are none, but for `<stdin>` and `<string>`: those may be the user's program."""

Stack = list[tuple[CodeType, int]]
"""Code and line of each frame, the innermost first. Frames themselves would keep their variables alive."""


@dataclass(slots=True, eq=False)
class Checkout:
    """One connection that is checked out.

    Attributes:
        record: the pool's entry; weak, so that one that is never checked in can be noticed.
        since: monotonic seconds.
        waited: seconds that it was waited for.
        stack: where it was checked out; None when that is not asked for.
        timer: rings when it is held for too long.
        is_overdue: whether the timer rang.
    """

    record: weakref.ref[ConnectionPoolEntry]
    since: float
    waited: float = 0.0
    stack: Stack | None = None
    timer: asyncio.TimerHandle | None = None
    is_overdue: bool = False

    @property
    def age(self) -> float:
        """Seconds for which it is held."""
        return time.monotonic() - self.since

    @property
    def place(self) -> str:
        """The last lines of code that led to the checkout, the innermost last; empty when they were not asked for."""
        return "\n".join(reversed(list(islice(_lines(self.stack or []), _SHOWN))))


class CheckedOut:
    """The connections of one pool that are checked out.

    Args:
        profile: the profile's name.
        threshold: seconds after which a checkout is reported; None to take no stack and report none.
        on_loss: called when an entry was collected without having been checked in, so that its place is free.
        on_report: called when one that is held for too long was reported.

    Attributes:
        threshold: as the argument; may change.
        ids: the `id` of each entry that is held.
    """

    def __init__(
        self,
        profile: str,
        threshold: float | None,
        on_loss: Callable[[], object],
        on_report: Callable[[], object] = lambda: None,
    ) -> None:
        self._profile = profile
        self.threshold: float | None = threshold
        self._on_loss = on_loss
        self._on_report = on_report
        self._checkouts: dict[int, Checkout] = {}
        self.ids: KeysView[int] = self._checkouts.keys()

    def __len__(self) -> int:
        return len(self._checkouts)

    def add(self, record: ConnectionPoolEntry, waited: float = 0.0) -> None:
        """Note that a connection goes out, which was waited for so many seconds."""
        checkout = Checkout(weakref.ref(record, self._lose), time.monotonic(), waited)
        self._checkouts[id(record)] = checkout
        if self.threshold is not None:
            checkout.stack = capture_stack()
            checkout.timer = asyncio.get_running_loop().call_later(self.threshold, self._report, checkout)

    def remove(self, record: ConnectionPoolEntry) -> None:
        """Note that a connection came back."""
        checkout = self._checkouts.pop(id(record), None)
        if checkout is not None and checkout.timer is not None:
            checkout.timer.cancel()
            if checkout.is_overdue:
                message = "profile %r: the connection that was held for too long came back after %.1f s"
                logger.info(message, self._profile, checkout.age)

    def waited_for(self, key: int) -> float:
        """Seconds that an entry, by its `id`, was waited for; 0 where it is not held."""
        checkout = self._checkouts.get(key)
        return checkout.waited if checkout is not None else 0.0

    @property
    def records(self) -> list[ConnectionPoolEntry]:
        """The entries of the pool that are held."""
        return [record for checkout in self._checkouts.values() if (record := checkout.record()) is not None]

    @property
    def longest(self) -> Checkout | None:
        """The longest checkout."""
        return next(iter(self._checkouts.values()), None)

    def _lose(self, reference: weakref.ref[ConnectionPoolEntry]) -> None:
        for key, checkout in list(self._checkouts.items()):
            if checkout.record is reference:
                del self._checkouts[key]
                if checkout.timer is not None:
                    checkout.timer.cancel()
                self._on_loss()

    def _report(self, checkout: Checkout) -> None:
        checkout.is_overdue = True
        logger.warning(
            "profile %r: a connection is in use for more than %g s (pool_leak_detection_threshold): is its session"
            " never closed, or too late? It was checked out at\n%s",
            self._profile,
            self.threshold,
            checkout.place,
        )
        self._on_report()


def capture_stack() -> Stack:
    """The frames of this greenlet and of the coroutines that wait for it, innermost first."""
    frames: Stack = []
    greenlet = getcurrent()
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - its public twin builds the whole stack with source lines
    while frame is not None and len(frames) < _DEPTH:
        if not _is_generated(frame):
            frames.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
        if frame is None and greenlet.parent is not None:
            # SQLAlchemy runs in a greenlet; its awaiting frame is in the parent.
            greenlet = greenlet.parent
            frame = greenlet.gr_frame
    return frames


def _is_generated(frame: FrameType) -> bool:
    """Whether SQLAlchemy 2.0 made the code, whose file it calls as Python calls that of `python -c`."""
    is_text = frame.f_code.co_filename == "<string>"
    return is_text and str(frame.f_globals.get("__name__")).startswith("sqlalchemy.")


def users_line(stack: Stack) -> str:
    """The innermost line of a stack that is the user's, as `file:line in function`."""
    return find_users_line(stack) or "a place that nobody knows"


def find_users_line(stack: Stack) -> str | None:
    """As `users_line`; None where no line is the user's."""
    for code, line in _own(stack):
        return f"{os.path.relpath(code.co_filename)}:{line} in {code.co_name}"
    return None


def _own(stack: Stack) -> Iterator[tuple[CodeType, int]]:
    return ((code, line) for code, line in stack if not code.co_filename.startswith((*_MACHINERY, *_GENERATED)))


def _lines(stack: Stack) -> Iterator[str]:
    """The user's lines of a stack; all of them when none is the user's."""
    for code, line in list(_own(stack)) or stack:
        yield f'  File "{code.co_filename}", line {line}, in {code.co_qualname}'
