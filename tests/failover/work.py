"""Five writers and three readers at work, and what became of each of their attempts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from tests.asyncio_servers import PATIENCE

WRITERS, READERS = 5, 3

PAUSE = 0.02
"""Seconds between two attempts of one of them: the servers share this machine with the clients."""

LAST_ATTEMPT = 8.0
"""Seconds that attempts have to end when the run is over; more than any deadline of the clients."""

AGAIN = 1.0
"""Seconds until a task that hangs, and has not ended, is told once more."""

NO_END = "no end at all"
"""How attempts are counted that hung until the run was over."""


class OutcomeUnknownError(Exception):
    """The client cannot know whether what it wrote is stored."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to a read.

    Attributes:
        server: the port of the server that answered.
        is_primary: whether that server takes writes.
        has_last: whether it had the row that was acknowledged last before the read began.
        has_old: whether it had the last row that was acknowledged `Tally.too_old` seconds before that.
    """

    server: int
    is_primary: bool
    has_last: bool
    has_old: bool


class Client(Protocol):
    """What is compared."""

    async def write(self, number: int) -> int:
        """Store a row in a unit of work; the port of the server that acknowledged it.

        Raises:
            OutcomeUnknownError: it may be stored.
            Exception: it is not stored.
        """
        ...

    async def read(self, last: int, old: int) -> Seen:
        """Look for two rows."""
        ...

    @property
    def checked_out(self) -> int:
        """Connections in use."""
        ...


@dataclass
class Tally:
    """What became of the attempts of one run; times are the event loop's.

    Attributes:
        too_old: seconds after which every server that serves reads must have a row.
        acknowledged: when each row was.
        unknown: rows of which the client cannot know.
        refused: rows of which the client was told that they are not stored.
        errors: how often which class of error was raised, by writers and readers.
        answers: when each attempt that a primary answered began, and the server's port.
        reads: reads that were answered.
        behind: reads that lacked the row which was acknowledged last.
        stale: reads that lacked one which was acknowledged more than `too_old` before.
    """

    too_old: float
    acknowledged: dict[int, float] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[float, int]] = field(default_factory=list)
    reads: int = 0
    behind: int = 0
    stale: int = 0

    def last_before(self, moment: float) -> int:
        """The row that was acknowledged last before a moment; 0, which is there from the beginning, for none."""
        return next((row for row, at in reversed(self.acknowledged.items()) if at <= moment), 0)

    def acknowledged_since(self, moment: float) -> int:
        """How many rows were."""
        return sum(at > moment for at in self.acknowledged.values())

    def longest_gap(self, since: float, end: float) -> float:
        """Seconds in which no writer heard of a row stored."""
        times = [since, *(at for at in self.acknowledged.values() if since < at < end), end]
        return max(after - before for before, after in pairwise(times))


class Work:
    """The tasks of one run.

    Args:
        client: whose attempts they are.
        tally: what became of them.
        hang_up: cuts every connection of the client, so that whatever waits for a server hears that it is gone.

    Attributes:
        tally: as the argument; another one when the run is over, for what is heard then is no answer.
    """

    def __init__(self, client: Client, tally: Tally, hang_up: Callable[[], object]) -> None:
        self._client = client
        self._hang_up = hang_up
        self.tally = tally
        self._numbers = iter(range(1, 10_000_000))
        self._is_over = False

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """The block is the run."""
        tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        tasks += [asyncio.create_task(self._read()) for _ in range(READERS)]
        try:
            yield
        finally:
            self._is_over = True
            _, pending = await asyncio.wait(tasks, timeout=LAST_ATTEMPT)
            await self._end(pending)

    async def _end(self, pending: set[asyncio.Task[None]]) -> None:
        """End tasks that hang: a driver's farewell to a server that does not answer outlives every cancellation.

        Raises:
            TimeoutError: they wait for something else.
        """
        if pending:
            self.tally.errors[NO_END] += len(pending)
        self.tally = Tally(self.tally.too_old)
        async with asyncio.timeout(PATIENCE):
            while pending:
                for task in pending:
                    task.cancel()
                self._hang_up()
                _, pending = await asyncio.wait(pending, timeout=AGAIN)

    async def _write(self) -> None:
        now = asyncio.get_running_loop().time
        while not self._is_over:
            number, began = next(self._numbers), now()
            try:
                server = await self._client.write(number)
            except OutcomeUnknownError as error:
                self.tally.unknown.add(number)
                self.tally.errors[_name(error.__cause__ or error)] += 1
            except Exception as error:  # noqa: BLE001 - whatever the client raises
                self.tally.refused.add(number)
                self.tally.errors[_name(error)] += 1
            else:
                self.tally.acknowledged[number] = now()
                self.tally.answers.append((began, server))
            await asyncio.sleep(PAUSE)

    async def _read(self) -> None:
        now = asyncio.get_running_loop().time
        while not self._is_over:
            began = now()
            last, old = self.tally.last_before(began), self.tally.last_before(began - self.tally.too_old)
            try:
                seen = await self._client.read(last, old)
            except Exception as error:  # noqa: BLE001 - whatever the client raises
                self.tally.errors[_name(error)] += 1
            else:
                self.tally.reads += 1
                self.tally.behind += not seen.has_last
                self.tally.stale += not seen.has_old
                if seen.is_primary:
                    self.tally.answers.append((began, seen.server))
            await asyncio.sleep(PAUSE)


def _name(error: BaseException) -> str:
    """The class of an error, and of the driver's below SQLAlchemy's."""
    orig = getattr(error, "orig", None)
    own = type(error).__name__
    return own if orig is None else f"{own} ({type(orig.__cause__ or orig).__name__})"


@dataclass
class Moments:
    """When what happened in a run: by the event loop's clock, and by the wall's, which the servers stamp rows with.

    Attributes:
        began: the event.
        promoted: another server took writes; None where none had to.
    """

    began: float = 0.0
    promoted: float | None = None
    promoted_at: float | None = None

    def begin(self) -> None:
        """The event begins now."""
        self.began = asyncio.get_running_loop().time()

    def promote(self) -> None:
        """Another server takes writes now."""
        self.promoted, self.promoted_at = asyncio.get_running_loop().time(), time.time()
