"""SIGHUP reloads, where nothing else handles it, and still ends a process whose terminal is gone (contract C12.5)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_LISTENERS: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
"""Every module of the process that wants to hear of it, with its event loop."""


@contextmanager
def reloaded_at_sighup(reload: Callable[[], None]) -> Iterator[None]:
    """Call a function in the running loop at each SIGHUP, while the block lasts.

    Only where the loop runs in the main thread, and no other handler was set: a server that has its own keeps it.

    Args:
        reload: begins a reload, and returns at once.
    """
    number = getattr(signal, "SIGHUP", None)  # not on Windows
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    current = signal.getsignal(number)
    if current is not _tell_all and current is not signal.SIG_DFL:
        yield
        return
    listener = (asyncio.get_running_loop(), reload)
    _LISTENERS.append(listener)
    if current is not _tell_all:
        _Terminal.remember()
        signal.signal(number, _tell_all)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)
        if not _LISTENERS and signal.getsignal(number) is _tell_all:
            signal.signal(number, signal.SIG_DFL)


def _tell_all(number: int, _frame: FrameType | None) -> None:
    if _Terminal.is_gone():
        # What it means by default, and what closing a terminal is expected to do.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    for loop, reload in _LISTENERS:
        if not loop.is_closed():
            loop.call_soon_threadsafe(reload)


class _Terminal:
    """The terminal that the process was started in, which sends SIGHUP when it is closed."""

    had_one = False

    @classmethod
    def remember(cls) -> None:
        cls.had_one = cls._is_there()

    @classmethod
    def is_gone(cls) -> bool:
        return cls.had_one and not cls._is_there()

    @staticmethod
    def _is_there() -> bool:
        try:
            os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
        except OSError:
            return False
        return True
