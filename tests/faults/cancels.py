"""Cancels requests hundreds of times, at moments that a seed chooses, and looks at what is left of them."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from sqlalchemy import bindparam, event, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DataModule
from tests.asyncio_servers import PATIENCE
from tests.databases import Database
from tests.faults.cases import module
from tests.faults.noise import listening
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.runs import says_stored, told

SEED = 20261122
AT_ONCE = 3
"""Requests under way at the same time; as many connections as the pool holds."""

LATE = 1.0
"""Seconds after which the end of a cancelled request counts as late."""

SPREAD = 0.02
"""Seconds within which the moments of cancellation lie."""

PROBES = 20

SLOW = {
    "postgresql": "SELECT pg_sleep(0.05)",
    "mysql": "SELECT SLEEP(0.05)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n",
}
"""Longer than every moment of cancellation; short on MariaDB, which does not stop at a disconnect."""


@dataclass
class Cancels:
    """What came of the cancellations of one mode on one database.

    Attributes:
        kind: the database.
        mode: how and where was cancelled.
        noise: errors that were logged, and errors that no task handled.
        forgotten: what of it tells of something that has no owner.
        done: labels of requests that ended well, before their cancellation.
        told_stored: labels of those whose cancellation came after an answered COMMIT, and says so.
        cancelled: labels of the others that were cancelled.
        bystanders: labels of requests in between that were not cancelled, and that succeeded.
        unknown: labels of those whose COMMIT was never answered.
        failures: with which other exceptions requests ended.
        wrong_rows: requests and probes that read another's answer.
        late: cancellations whose request took longer than `LATE` to end.
        slowest: seconds from the slowest cancellation to its end.
        checked_out: connections that were not given back.
        waiting: places in the queue that were not given back.
        left_open: connections that were open after the end.
        stored: what the database holds afterwards.
    """

    kind: str
    mode: str
    noise: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    told_stored: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    bystanders: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    wrong_rows: int = 0
    late: int = 0
    slowest: float = 0.0
    checked_out: int = 0
    waiting: int = 0
    left_open: int = 0
    stored: set[str] = field(default_factory=set)

    def look(self, stored: Iterable[str]) -> None:
        """See what is stored, when nothing is under way any more."""
        self.stored = set(stored)

    @property
    def untrue(self) -> int:
        """Requests that are stored in spite of their cancellation, and acknowledged ones that are not."""
        return len(self.cancelled & self.stored) + len((self.done | self.told_stored | self.bystanders) - self.stored)

    @property
    def problems(self) -> list[str]:
        """The promises that were broken."""
        found = {
            "requests are stored or lost, and their callers were told otherwise": self.untrue,
            "rows were another's": self.wrong_rows,
            "connections were not given back": self.checked_out,
            "places in the queue were not given back": self.waiting,
            "connections were left open": self.left_open,
            "things were forgotten, and reported behind everybody's back": len(self.forgotten),
            **{f"requests failed with {name}": count for name, count in self.failures.items()},
        }
        return [f"{count} {what}" for what, count in found.items() if count]


Work = Callable[[str], Awaitable[None]]
Way = Callable[["asyncio.Task[None]"], Awaitable[None]]


async def once(task: asyncio.Task[None]) -> None:
    """Cancel a task."""
    task.cancel()


async def thrice(task: asyncio.Task[None]) -> None:
    """Cancel a task, and twice more while it cleans up."""
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)


class Canceller:
    """Makes requests of one mode and cancels them."""

    def __init__(self, data: DataModule, database: Database, result: Cancels) -> None:
        self._data = data
        self._database = database
        self._result = result
        self._random = random.Random(f"{SEED} {result.kind} {result.mode}")
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._thinking: dict[str, asyncio.Event] = {}

    async def run(self, count: int) -> None:
        """Make and cancel so many requests, then probe what is left."""
        mode = MODES[self._result.mode]
        async with mode.surroundings(self):
            for _ in range(0, count, mode.at_once):
                await asyncio.gather(*(mode.one(self, secrets.token_hex(8)) for _ in range(mode.at_once)))
                if mode.leaves_room:
                    await self._stand_by(secrets.token_hex(8))
        await self._probe()

    # -- requests ----------------------------------------------------------------------------------------------

    async def write_and_wait(self, label: str) -> None:
        """Store a row, read a number, and run a slow statement."""
        async with self._data.session() as session:
            await session.execute(self._database.note(label))
            await self._read_own(session)
            await session.execute(text(SLOW[self._result.kind]))

    async def write_and_think(self, label: str) -> None:
        """Store a row, and wait for something that is no database."""
        async with self._data.session() as session:
            await session.execute(self._database.note(label))
            self._thinking[label].set()
            await asyncio.Event().wait()

    async def write(self, label: str) -> None:
        """Store a row."""
        async with self._data.session() as session:
            await session.execute(self._database.note(label))

    async def in_scope(self, label: str) -> None:
        """As `write_and_wait`, in an anyio scope, which cancels at every await from its cancellation on."""
        with anyio.CancelScope() as self._scopes[label]:
            await self._record(label, self.write_and_wait)
        self._scopes.pop(label)

    async def _read_own(self, session: AsyncSession) -> None:
        number = self._random.randrange(1_000_000_000)
        found = await session.scalar(select(literal_column(str(number)), bindparam("n", 0)))
        self._result.wrong_rows += int(found or 0) != number

    async def _record(self, label: str, work: Work) -> None:
        """Do the work and keep what its caller was told."""
        try:
            await work(label)
        except asyncio.CancelledError as error:
            (self._result.told_stored if says_stored(error) else self._result.cancelled).add(label)
            raise
        except CommitOutcomeUnknown:
            self._result.unknown.add(label)
        except Exception as error:  # noqa: BLE001 - whatever it is, the report tells it
            self._result.failures[told(error)] += 1
        else:
            self._result.done.add(label)

    # -- cancellations -----------------------------------------------------------------------------------------

    async def at_a_moment(self, label: str, way: Way) -> None:
        """Cancel a request at a moment of its own."""
        task = asyncio.create_task(self._record(label, self.write_and_wait))
        await asyncio.sleep(self._random.uniform(0, SPREAD))
        await self._cancel(task, way)

    async def scope_at_a_moment(self, label: str) -> None:
        """Cancel a request's anyio scope at a moment of its own."""
        task = asyncio.create_task(self.in_scope(label))
        await asyncio.sleep(self._random.uniform(0, SPREAD))

        async def cancel_scope(_: asyncio.Task[None]) -> None:
            if label in self._scopes:
                self._scopes[label].cancel()

        await self._cancel(task, cancel_scope)

    async def between_statements(self, label: str) -> None:
        """Cancel a request while its connection has nothing to do, and twice more while it rolls back."""
        thinking = self._thinking[label] = asyncio.Event()
        task = asyncio.create_task(self._record(label, self.write_and_think))
        await thinking.wait()
        await self._cancel(task, thrice)

    async def at_commit(self, label: str) -> None:
        """Cancel a request when its COMMIT is being sent, or some steps of the loop later."""
        committing = asyncio.Event()
        notice = lambda _: committing.set()  # noqa: E731 - to be removed, it needs a name
        engine = self._data.get_engine().sync_engine
        event.listen(engine, "commit", notice)
        try:
            task = asyncio.create_task(self._record(label, self.write))
            await committing.wait()
            for _ in range(self._random.randrange(6)):
                await asyncio.sleep(0)
            await self._cancel(task, once)
        finally:
            event.remove(engine, "commit", notice)

    async def in_the_queue(self, label: str) -> None:
        """Cancel a request that waits for a connection, or for its turn to write."""
        task = asyncio.create_task(self._record(label, self.write))
        for _ in range(self._random.randrange(1, 10)):
            await asyncio.sleep(0)
        await self._cancel(task, once)

    async def _cancel(self, task: asyncio.Task[None], way: Way) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        await way(task)
        await asyncio.wait([task])
        self._result.late += clock() - started > LATE
        self._result.slowest = max(self._result.slowest, clock() - started)
        if not task.cancelled():
            task.result()

    @asynccontextmanager
    async def nothing(self) -> AsyncIterator[None]:
        """No surroundings."""
        yield

    @asynccontextmanager
    async def no_connection_free(self) -> AsyncIterator[None]:
        """Every connection is checked out by another task."""
        async with AsyncExitStack() as stack:
            for _ in range(AT_ONCE):
                session = await stack.enter_async_context(self._data.session(read_only=True))
                await session.execute(text("SELECT 1"))
            yield

    async def _stand_by(self, label: str) -> None:
        """Make a request that is not cancelled: nothing that was cancelled before may be in its way."""
        try:
            await self.write(label)
        except Exception as error:  # noqa: BLE001 - as above
            self._result.failures[f"{told(error)}, though nobody cancelled them"] += 1
        else:
            self._result.bystanders.add(label)

    # -- afterwards --------------------------------------------------------------------------------------------

    async def _probe(self) -> None:
        status = self._data.pool_status()
        self._result.checked_out, self._result.waiting = status.checked_out, status.waiting
        for _ in range(PROBES):
            async with self._data.session() as session:
                await self._read_own(session)


@dataclass(frozen=True)
class Mode:
    """How and where is cancelled.

    Attributes:
        one: makes one request and cancels it.
        surroundings: what else goes on meanwhile.
        leaves_room: whether another request could be made meanwhile.
        at_once: requests under way at the same time.
    """

    one: Callable[[Canceller, str], Awaitable[None]]
    surroundings: Callable[[Canceller], AbstractAsyncContextManager[None]] = Canceller.nothing
    leaves_room: bool = True
    at_once: int = AT_ONCE


MODES = {
    "in a statement": Mode(lambda canceller, label: canceller.at_a_moment(label, once)),
    "three times in a row": Mode(lambda canceller, label: canceller.at_a_moment(label, thrice)),
    "anyio scope": Mode(Canceller.scope_at_a_moment),
    "between statements": Mode(Canceller.between_statements),
    "in COMMIT": Mode(Canceller.at_commit, at_once=1),
    "in the wait for a connection": Mode(Canceller.in_the_queue, Canceller.no_connection_free, leaves_room=False),
}


async def cancel(database: Database, mode: str, count: int) -> Cancels:
    """Cancel so many requests of one mode on a module of their own."""
    result = Cancels(database.kind, mode)
    settings = {"pool_size": AT_ONCE, "pool_timeout": 30.0, "command_timeout": 30.0, "connect_timeout": 30.0}
    async with AsyncExitStack() as stack:
        proxy: FaultProxy | None = None
        url = database.url
        if database.kind != "sqlite":
            proxy, url = await stack.enter_async_context(fault_proxy(url))
        with listening() as noise:
            async with module(url, **settings) as data:
                await Canceller(data, database, result).run(count)
            result.left_open = await _left_open(proxy)
        result.noise, result.forgotten = noise.messages, noise.forgotten
    return result


async def _left_open(proxy: FaultProxy | None) -> int:
    """Connections that stay open after the end."""
    if proxy is None:
        return 0
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while proxy.open_connections:
                await asyncio.sleep(0.005)  # the operating system's news of a closed connection take their time
    return proxy.open_connections
