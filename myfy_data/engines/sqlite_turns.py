"""Whose turn it is to write to a SQLite file (ADR 8)."""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from myfy_data.engines.errors import WriterQueueTimeout

_QUEUES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakValueDictionary[str, WriterQueue]]
_QUEUES = weakref.WeakKeyDictionary()


class Turn:
    """One stay in the queue: from the asking until the turn is left.

    Attributes:
        has_connection: whether a pooled connection is held while waiting, which others may wait for.
    """

    __slots__ = ("has_connection", "is_lendable")

    def __init__(self, *, has_connection: bool) -> None:
        self.has_connection = has_connection
        self.is_lendable = False


class WriterQueue:
    """Whose turn it is to write to a file, first come first served.

    SQLite's own way of waiting for a lock is to try again at random, so a writer may wait forever.
    """

    def __init__(self) -> None:
        self._current: Turn | None = None
        self._line: OrderedDict[Turn, asyncio.Future[bool]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    def take(self, turn: Turn) -> bool:
        """Take the turn if it is free; whether it is had."""
        if self._current is None:
            self._current = turn
        return self._current is turn

    async def enter(self, turn: Turn, timeout: float) -> None:  # noqa: ASYNC109 - the bound is the queue's, told to the user
        """Wait for the turn; a turn that was lent meanwhile is waited for at the head of the line.

        Raises:
            TimeoutError: it did not come within `timeout` seconds.
        """
        if self.take(turn):
            return
        future = self._line.get(turn) or self._join(turn)
        self._lend()
        timer = future.get_loop().call_later(timeout, self._give_up, turn)
        try:
            came = await future
        except BaseException:
            self.leave(turn)
            raise
        finally:
            timer.cancel()
        if not came:
            raise TimeoutError

    def leave(self, turn: Turn) -> None:
        """Give the turn to the next one, or go without having had it."""
        if self._line.pop(turn, None) is None and self._current is turn:
            self._current = None
            self._serve()

    @contextmanager
    def lending(self, turn: Turn) -> Iterator[None]:
        """Wait for a pooled connection while having the turn, without standing in the way of those who hold one.

        Who holds a connection and waits for the turn goes first: the connection may be the one that is waited for.
        `enter` is due afterwards.
        """
        turn.is_lendable = True
        self._lend()
        try:
            yield
        except BaseException:
            self.leave(turn)
            raise
        finally:
            turn.is_lendable = False
        turn.has_connection = True

    def _join(self, turn: Turn, *, first: bool = False) -> asyncio.Future[bool]:
        future = self._line[turn] = asyncio.get_running_loop().create_future()
        if first:
            self._line.move_to_end(turn, last=False)
        return future

    def _serve(self) -> None:
        while self._line:
            turn = next(iter(self._line))
            if self._hand_over(turn):
                self._lend()
                return

    def _hand_over(self, turn: Turn) -> bool:
        future = self._line.pop(turn)
        if future.done():  # it was cancelled, and its task has not run since
            return False
        self._current = turn
        future.set_result(True)
        return True

    def _lend(self) -> None:
        lender = self._current
        if lender is None or not lender.is_lendable:
            return
        for turn in [turn for turn in self._line if turn.has_connection]:
            if self._hand_over(turn):
                self._join(lender, first=True)
                return

    def _give_up(self, turn: Turn) -> None:
        future = self._line.get(turn)
        if future is not None and not future.done():
            del self._line[turn]
            future.set_result(False)


class QueueAccess:
    """One profile's way to the queue of its file.

    Args:
        queue: the file's.
        profile: the profile's name.
        pool_timeout: seconds to wait for the turn at most.
    """

    def __init__(self, queue: WriterQueue, profile: str, pool_timeout: float) -> None:
        self._profile = profile
        self._timeout = pool_timeout
        self.queue = queue

    async def enter(self, turn: Turn) -> None:
        """Wait for the turn.

        Raises:
            WriterQueueTimeout: it did not come.
        """
        try:
            await self.queue.enter(turn, self._timeout)
        except TimeoutError:
            raise WriterQueueTimeout(self._profile, waited=self._timeout) from None


def writer_queue(path: str) -> WriterQueue:
    """The queue that all profiles of the running loop share for one file."""
    queues = _QUEUES.setdefault(asyncio.get_running_loop(), weakref.WeakValueDictionary())
    return queues.setdefault(path, WriterQueue())
