"""How many lines a minute are written about one thing; what is beyond is counted (contract C12.3)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0
_THINGS = 1000
"""Things that are remembered; of more, the oldest are forgotten."""


@dataclass(slots=True)
class _Window:
    began: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Leave to write a line.

    Attributes:
        count: how many there were in this minute; of the first line behind a minute that had too many, in that one.
        is_last: whether what follows in this minute is only counted.
        was_cut: whether `count` is that of the minute before.
    """

    count: int
    is_last: bool
    was_cut: bool

    @property
    def note(self) -> str:
        """What a line says of those that were not written."""
        if self.was_cut:
            return f"  [x{self.count} in the minute before]"
        return "  [further ones are counted until the minute is over]" if self.is_last else ""


class LineLimit:
    """Counts lines by what they are about.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: OrderedDict[object, _Window] = OrderedDict()

    def __len__(self) -> int:
        """How many things are counted."""
        return len(self._windows)

    def admit(self, thing: object, most: int) -> Line | None:
        """Leave to write a line about something; None for one too many."""
        now = self._clock()
        with self._lock:
            window, before = self._windows.get(thing), 0
            if window is None or now - window.began >= MINUTE:
                before = window.count if window is not None else 0
                window = self._windows[thing] = _Window(now)
                self._windows.move_to_end(thing)
                if len(self._windows) > _THINGS:
                    self._windows.popitem(last=False)
            window.count += 1
            if window.count > most:
                return None
            was_cut = before > most
            return Line(before if was_cut else window.count, is_last=window.count == most, was_cut=was_cut)
