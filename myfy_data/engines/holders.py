"""Who holds the connections of a pool: since when, and, when that is asked for, from which line of code."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

import sqlalchemy
from greenlet import getcurrent  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy.pool import ConnectionPoolEntry

logger = logging.getLogger("myfy_data")

_DEPTH = 100
"""Frames that are looked at; a stack of a request is shorter."""

_SHOWN = 12
"""Lines that are told: what a server does before it comes to the user's code helps nobody."""

_MACHINERY = (
    str(Path(sqlalchemy.__file__).parent),
    str(Path(asyncio.__file__).parent),
    str(Path(__file__).parents[1]),
)
"""Where frames that say nothing about the user's code come from."""

_GENERATED = ("<frozen ", "<sqlalchemy ")
"""How the names of files begin that are none, but for `<stdin>` and `<string>`: those may be the user's program."""

Stack = list[tuple[CodeType, int]]
"""Code and line of each frame, the innermost first. Frames themselves would keep their variables alive."""


@dataclass(slots=True, eq=False)
class Holder:
    """One connection that is checked out.

    Attributes:
        record: the pool's entry; weak, so that one that nobody gives back can be noticed.
        since: monotonic seconds.
        stack: where it was checked out; None when that is not asked for.
        timer: rings when it is held for too long.
        late: whether the timer rang.
    """

    record: weakref.ref[ConnectionPoolEntry]
    since: float
    stack: Stack | None = None
    timer: asyncio.TimerHandle | None = None
    late: bool = False

    @property
    def age(self) -> float:
        """Seconds for which it is held."""
        return time.monotonic() - self.since

    @property
    def place(self) -> str:
        """The last lines of code that led to the checkout, the innermost last; empty when they were not asked for."""
        return "\n".join(reversed(list(islice(_lines(self.stack or []), _SHOWN))))


class Holders:
    """The connections of one pool that are checked out.

    Args:
        profile: the profile's name.
        threshold: seconds after which a holder is reported; None to take no stack and report nobody.
        on_loss: called when an entry was collected that nobody had given back, so that its place is free.
    """

    def __init__(self, profile: str, threshold: float | None, on_loss: Callable[[], object]) -> None:
        self._profile = profile
        self._threshold = threshold
        self._on_loss = on_loss
        self._held: dict[int, Holder] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, record: ConnectionPoolEntry) -> bool:
        return id(record) in self._held

    def add(self, record: ConnectionPoolEntry) -> None:
        """Note that a connection goes out."""
        holder = Holder(weakref.ref(record, self._lose), time.monotonic())
        self._held[id(record)] = holder
        if self._threshold is not None:
            holder.stack = take_stack()
            holder.timer = asyncio.get_running_loop().call_later(self._threshold, self._report, holder)

    def remove(self, record: ConnectionPoolEntry) -> None:
        """Note that a connection came back."""
        holder = self._held.pop(id(record), None)
        if holder is not None and holder.timer is not None:
            holder.timer.cancel()
            if holder.late:
                message = "profile %r: the connection that was held for too long came back after %.1f s"
                logger.info(message, self._profile, holder.age)

    @property
    def longest(self) -> Holder | None:
        """Who holds a connection for the longest time."""
        return next(iter(self._held.values()), None)

    def _lose(self, reference: weakref.ref[ConnectionPoolEntry]) -> None:
        for key, holder in list(self._held.items()):
            if holder.record is reference:
                del self._held[key]
                if holder.timer is not None:
                    holder.timer.cancel()
                self._on_loss()

    def _report(self, holder: Holder) -> None:
        holder.late = True
        logger.warning(
            "profile %r: a connection is in use for more than %g s (pool_leak_detection_threshold): is its session"
            " never closed, or too late? It was checked out at\n%s",
            self._profile,
            self._threshold,
            holder.place,
        )


def take_stack() -> Stack:
    """The frames of this greenlet and of the coroutines that wait for it, innermost first."""
    frames: Stack = []
    greenlet = getcurrent()
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - its public twin builds the whole stack with source lines
    while frame is not None and len(frames) < _DEPTH:
        frames.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
        if frame is None and greenlet.parent is not None:
            # SQLAlchemy runs in a greenlet; whoever awaits it is found in the one above.
            greenlet = greenlet.parent
            frame = greenlet.gr_frame
    return frames


def _lines(stack: Stack) -> Iterator[str]:
    """The user's lines of a stack; all of them when none is the user's."""
    own = [(code, line) for code, line in stack if not code.co_filename.startswith((*_MACHINERY, *_GENERATED))]
    for code, line in own or stack:
        yield f'  File "{code.co_filename}", line {line}, in {code.co_qualname}'
