"""Whose turn it is to write to a SQLite file (ADR 8)."""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from myfy_data.engines.observation import EngineRecorder
from myfy_data.engines.pool.errors import SelfDeadlock, WriterQueueTimeout
from myfy_data.engines.pool.loop_affinity import current_task

_QUEUES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakValueDictionary[str, WriterQueue]]
_QUEUES = weakref.WeakKeyDictionary()


IDLE_GRACE = 0.25
"""Seconds for which a transaction that has only read must have been idle before it steps aside for another task."""

_LAPS = 3
"""Turns of the event loop in which a task that was kept waiting by it may go on, before it is taken for idle."""


_OWN_TURN = (
    "this task waits for itself: SQLite lets one transaction write at a time, and another session of this task"
    " has written, reads from a stream, or cannot step aside because journal_mode is not 'wal'"
)


class Writer(Protocol):
    """The connection of a transaction that has the turn."""

    idle_since: float
    task: weakref.ref[asyncio.Task[Any]] | None

    @property
    def is_busy(self) -> bool:
        """Whether it works."""
        ...

    @property
    def may_step_aside(self) -> bool:
        """Whether its transaction has only read, and has no statement under way."""
        ...

    def step_aside(self) -> None:
        """Give the turn back as soon as the transaction only reads."""
        ...


class Observed(Protocol):
    """What has the recorder of an engine's work."""

    recorder: EngineRecorder | None


class Turn:
    """One stay in the queue: from the asking until the turn is left.

    Attributes:
        has_connection: whether a pooled connection is held while waiting, which others may wait for.
        is_lendable: whether the turn is had, and a pooled connection is waited for.
        task: the task that asked.
        holder: the connection of the transaction, as soon as there is one.
        waited: seconds that were spent waiting for it, and are not told yet.
        spent: seconds that its checkout waited for it and for a connection, all in all.
    """

    __slots__ = ("has_connection", "holder", "is_lendable", "spent", "task", "waited")

    def __init__(self, *, has_connection: bool) -> None:
        self.has_connection: bool = has_connection
        self.is_lendable: bool = False
        self.task: weakref.ref[asyncio.Task[Any]] | None = current_task()
        self.holder: weakref.ref[Writer] | None = None
        self.waited: float = 0.0
        self.spent: float = 0.0

    def is_asked_by(self, holder: Writer) -> bool:
        """Whether the task that uses a transaction is the one that waits."""
        return self.task is not None and self.task == holder.task


class WaitsForItselfError(Exception):
    """A task waits for the turn that it holds itself, in a transaction that does not step aside."""


class WriterQueue:
    """Whose turn it is to write to a file, first come first served.

    SQLite's own way of waiting for a lock is to try again at random, so a writer may wait forever.
    """

    def __init__(self) -> None:
        self._current: Turn | None = None
        self._line: OrderedDict[Turn, asyncio.Future[bool]] = OrderedDict()
        self._timer: asyncio.Handle | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the turn is taken."""
        return self._current is not None

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
        """Wait for the turn; a turn that was lent meanwhile is waited for at the head of the queue.

        Raises:
            TimeoutError: it did not come within `timeout` seconds.
            WaitsForItselfError: it cannot come, because the same task holds it.
        """
        if self.take(turn):
            return
        try:
            self._ask_own_task(turn)
        except WaitsForItselfError:
            self.leave(turn)  # a turn that was lent stands in the line
            raise
        future = self._line.get(turn) or self._join(turn)
        self._lend()
        self._watch()
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
        """Wait for a pooled connection while having the turn, without blocking the holders of one.

        A waiter for the turn that holds a connection goes first: the connection may be the one that is waited for.
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
                self._watch()
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

    # -- a transaction that has only read gives way --------------------------------------------------------------------

    def _holder(self) -> Writer | None:
        turn = self._current
        return turn.holder() if turn is not None and turn.holder is not None else None

    def _ask_own_task(self, turn: Turn) -> None:
        holder = self._holder()
        if holder is None or holder.is_busy or not turn.is_asked_by(holder):
            return
        if not holder.may_step_aside:
            raise WaitsForItselfError
        holder.step_aside()

    def keep(self, holder: Writer) -> None:
        """The transaction that has the turn has written after all, so its own task waits in vain."""
        for turn in [turn for turn in self._line if turn.is_asked_by(holder)]:
            future = self._line.pop(turn)
            if not future.done():
                future.set_exception(WaitsForItselfError())

    def _watch(self) -> None:
        """Look from time to time whether the transaction that has the turn is idle."""
        if self._timer is None and self._line:
            self._timer = asyncio.get_running_loop().call_later(IDLE_GRACE, self.look, _LAPS)

    def look(self, laps: int) -> None:
        """Look now whether the transaction that has the turn is idle; in place of the look that was to come.

        Args:
            laps: how often the loop goes round before, so that what it could not do in time is done first.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        loop, holder = asyncio.get_running_loop(), self._holder()
        if (
            not self._line
            or holder is None
            or not holder.may_step_aside
            or loop.time() < holder.idle_since + IDLE_GRACE
        ):
            self._watch()
        elif self._line and laps:
            self._timer = loop.call_soon(self.look, laps - 1)
        elif self._line:
            holder.step_aside()

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
        engine: has what measures its work, if anything does.
    """

    def __init__(self, queue: WriterQueue, profile: str, pool_timeout: float, engine: Observed) -> None:
        self._profile = profile
        self._engine = engine
        self._timeout = pool_timeout
        self.queue = queue

    async def enter(self, turn: Turn) -> None:
        """Wait for the turn, for as long as is left of `pool_timeout`.

        Raises:
            WriterQueueTimeout: it did not come.
            SelfDeadlock: it cannot come, because the same task holds it.
        """
        if self.queue.take(turn):
            return
        loop = asyncio.get_running_loop()
        started = loop.time()
        recorder = self._engine.recorder
        if recorder is not None:
            recorder.pending_turns += 1
        try:
            await self.queue.enter(turn, max(0.0, self._timeout - turn.spent))
        except TimeoutError:
            if recorder is not None:
                recorder.note_timeout(loop.time() - started)
            raise WriterQueueTimeout(self._profile, waited=self._timeout) from None
        except WaitsForItselfError:
            raise SelfDeadlock(self._profile, _OWN_TURN) from None
        finally:
            if recorder is not None:
                recorder.pending_turns -= 1
        waited = loop.time() - started
        turn.spent += waited
        if recorder is not None:
            turn.waited += waited
            recorder.note_turn(waited)


def writer_queue(path: str) -> WriterQueue:
    """The queue that all profiles of the running loop share for one file."""
    queues = _QUEUES.setdefault(asyncio.get_running_loop(), weakref.WeakValueDictionary())
    return queues.setdefault(path, WriterQueue())
