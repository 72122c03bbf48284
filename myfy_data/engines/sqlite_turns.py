"""Whose turn it is to write to a SQLite file."""

from __future__ import annotations

import asyncio
import weakref

from myfy_data.engines.line import WaitingLine, Word

_QUEUES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakValueDictionary[str, WriterQueue]]
_QUEUES = weakref.WeakKeyDictionary()


class WriterQueue:
    """Whose turn it is to write to a file, first come first served.

    SQLite's own way of waiting for a lock is to try again at random: somebody may wait forever.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._line: WaitingLine[bool] = WaitingLine()

    async def enter(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is the queue's, told to the user
        """Wait for the turn.

        Raises:
            TimeoutError: it did not come within `timeout` seconds.
        """
        if not self._is_taken:
            self._is_taken = True
            return
        ticket = self._line.join()
        try:
            answer = await self._line.wait(ticket, timeout)
        except BaseException:
            if self._line.leave(ticket):
                self.leave()
            raise
        if answer is Word.TOO_LATE:
            raise TimeoutError

    def leave(self) -> None:
        """Give the turn to the next one."""
        self._is_taken = self._line.hand_over(True)


def writer_queue(path: str) -> WriterQueue:
    """The queue that all profiles of the running loop share for one file."""
    queues = _QUEUES.setdefault(asyncio.get_running_loop(), weakref.WeakValueDictionary())
    return queues.setdefault(path, WriterQueue())
