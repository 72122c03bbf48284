"""The event loop and the process that an engine is bound to (contract C4)."""

from __future__ import annotations

import asyncio
import contextvars
import os
import weakref
from collections.abc import Callable
from typing import Any

from myfy_data.errors import WrongEventLoopError

_ASYNCIO = (
    '  fix: await it under asyncio.run(), or anyio.run(main, backend="asyncio"); tests of anyio have a fixture'
    " anyio_backend for that, which returns 'asyncio'"
)

_ACTING_FOR: contextvars.ContextVar[weakref.ref[asyncio.Task[Any]] | None]
_ACTING_FOR = contextvars.ContextVar("myfy_data_acting_for", default=None)


running_loop: Callable[[], asyncio.AbstractEventLoop | None] = asyncio._get_running_loop  # noqa: SLF001 - in `__all__`
"""The event loop that runs this code, or None outside of any. A function of C: each unit of work asks several times."""


def require_loop(profile: str) -> asyncio.AbstractEventLoop:
    """The event loop that runs this code.

    Raises:
        WrongEventLoopError: none of asyncio does, as under trio.
    """
    loop = running_loop()
    if loop is None:
        raise WrongEventLoopError(profile, f"no event loop of asyncio runs here, and drivers need one\n{_ASYNCIO}")
    return loop


def cancel_again() -> None:
    """Deliver a cancellation, which was held back until something was finished, at the next await of the task."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
        task.cancel()


def current_task() -> weakref.ref[asyncio.Task[object]] | None:
    """The running task, or the one that waits for it and for which it acts; not kept alive."""
    acting_for = _ACTING_FOR.get()
    if acting_for is not None:
        return acting_for
    task = asyncio.current_task()
    return None if task is None else weakref.ref(task)


def context_for_current_task() -> contextvars.Context:
    """The context of a new task that acts for the running one, which waits for it."""
    context = contextvars.copy_context()
    acting_for, task = _ACTING_FOR.get(), asyncio.current_task()
    context.run(_ACTING_FOR.set, weakref.ref(task) if acting_for is None and task is not None else acting_for)
    return context


class LoopAffinity:
    """The loop and the process that an engine belongs to; taken at first use when it was opened outside any loop.

    Weak, because an engine must not keep a finished loop alive, and because the address of one loop is soon
    the address of another.
    """

    __slots__ = ("_loop", "_pid", "_profile")

    def __init__(self, profile: str, loop: asyncio.AbstractEventLoop | None) -> None:
        self._profile = profile
        self._loop = weakref.ref(loop) if loop is not None else None
        self._pid = os.getpid()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop, while it lives."""
        return self._loop() if self._loop is not None else None

    @property
    def is_unbound(self) -> bool:
        """Whether no loop has used the engine yet."""
        return self._loop is None

    @property
    def is_loop_closed(self) -> bool:
        """Whether the loop was closed or collected, so that nothing can be awaited on its connections."""
        return self._loop is not None and ((loop := self._loop()) is None or loop.is_closed())

    @property
    def is_forked(self) -> bool:
        """Whether this is a forked child of the process that opened the engine."""
        return self._pid != os.getpid()

    def is_bound_to(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Whether the engine is this loop's; None asks whether no loop has used it yet."""
        mine = self._loop() if self._loop is not None else None  # not by the properties: each session asks
        return (self._loop is None if loop is None else mine is loop) and self._pid == os.getpid()

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Bind the engine to a loop."""
        if loop is not None:
            self._loop = weakref.ref(loop)

    def call_there(self, act: Callable[[], object]) -> None:
        """Act in the engine's loop: at once where that runs here, or there is none yet; never once it is closed."""
        loop = self.loop
        if loop is None or loop is running_loop():
            act()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(act)

    def check_current_loop(self) -> None:
        """Bind the engine to the running loop, or make sure that it is bound to it.

        Raises:
            WrongEventLoopError: the engine belongs to another loop or process, or no loop of asyncio runs.
        """
        loop = running_loop() or require_loop(self._profile)
        if self._pid != os.getpid():  # not by the property, as what follows: each checkout comes here
            raise WrongEventLoopError(
                self._profile,
                "the engine was opened before this process was forked\n  fix: get the engine anew in the child process",
            )
        if self._loop is None:
            self.bind(loop)
        elif self._loop() is not loop:
            raise WrongEventLoopError(
                self._profile,
                "the engine belongs to another event loop\n  fix: get the engine inside the loop that uses it",
            )
