"""What no task handles: "never retrieved", "was destroyed but it is pending", unclosed transports."""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Noise(logging.Handler):
    """Collects it: errors that were logged, and what the event loop and the interpreter report.

    Attributes:
        messages: one line each.
        forgotten: those that tell of something that has no owner; the others are errors that were logged.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []
        self.forgotten: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; asyncio's are about what was never retrieved, never awaited or destroyed too early."""
        cause = f": {record.exc_info[1]!r}" if record.exc_info else ""
        text = f"{record.name}: {record.getMessage().splitlines()[0]}{cause}"
        self.messages.append(text)
        if record.name == "asyncio":
            self.forgotten.append(text)

    def unraisable(self, unraisable: Any) -> None:
        """Keep what the interpreter could not raise."""
        self._forget(f"{unraisable.err_msg or 'unraisable'}: {unraisable.exc_value!r} in {unraisable.object!r}")

    def warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        """Keep a warning."""
        self._forget(f"{category.__name__}: {message}")

    def _forget(self, text: str) -> None:
        self.messages.append(text)
        self.forgotten.append(text)


@contextmanager
def listening() -> Iterator[Noise]:
    """Collect what is said during the block, garbage collection at its end included; asyncio logs what it reports."""
    noise = Noise()
    root, hook = logging.getLogger(), sys.unraisablehook
    root.addHandler(noise)
    sys.unraisablehook = noise.unraisable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = noise.warn  # the block's own: put back at its end
            yield noise
            gc.collect()
    finally:
        root.removeHandler(noise)
        sys.unraisablehook = hook
