"""Every loop and every cancellation on the databases of this machine."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DatabaseSettings
from myfy_data.engines.registry import EngineRegistry
from tests.databases import Database
from tests.faults.cancels import MODES, Cancels, cancel
from tests.faults.cases import Case, every_case
from tests.faults.loop import exhaust
from tests.faults.noise import listening
from tests.faults.runs import Run
from tests.servers import MYSQL, POSTGRESQL

LOOPS_AT_ONCE = 6
"""Most of the time a loop waits for a deadline; more at once would make the machine, not the library, late."""

Say = Callable[[str], None]


@dataclass
class Results:
    """Everything that came out.

    Attributes:
        servers: what was tested, with versions.
        runs: of the exhaustive loops.
        cancels: of the cancellations.
        noise: errors that no task handled during the loops.
        broken: which run or mode broke which promise.
    """

    servers: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    cancels: list[Cancels] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@contextmanager
def url_of(kind: str) -> Iterator[str]:
    """A database of this kind for the campaign, dropped after it."""
    with ExitStack() as stack:
        if kind == "sqlite":
            yield f"sqlite+aiosqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'app.db'}"
        else:
            server = stack.enter_context({"postgresql": POSTGRESQL, "mysql": MYSQL}[kind].server())
            yield stack.enter_context(server.database())


@asynccontextmanager
async def database_of(kind: str, url: str) -> AsyncIterator[Database]:
    """A database with its table."""
    database = Database(kind, url)
    engine = create_async_engine(url, poolclass=NullPool)
    await database.create(engine)
    yield database
    await database.drop()


async def describe(kind: str, url: str) -> str:
    """The server and the driver, with their versions."""
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url)})
    try:
        server = (await registry.ping("main")).server
    finally:
        await registry.close()
    driver = {"postgresql": "asyncpg", "mysql": "aiomysql"}.get(kind, "aiosqlite")
    return f"{server} by {driver} {version(driver)}"


async def run_loops(kind: str, url: str, results: Results, say: Say) -> None:
    """Every exhaustive loop of one kind of server."""
    limit = asyncio.Semaphore(LOOPS_AT_ONCE)

    async def one(case: Case) -> list[Run]:
        async with limit:
            runs = [run async for run in exhaust(case, database)]
        say(f"{case}: {len(runs) - 1} messages")
        return runs

    async with database_of(kind, url) as database:
        with listening() as noise:
            every = await asyncio.gather(*(one(case) for case in every_case(kind)))
        runs = [run for runs in every for run in runs]
        stored = set(await database.stored())
    for run in runs:
        run.look(stored)
    results.runs += runs
    results.noise += [f"{kind}: {message}" for message in noise.messages]
    results.broken += [f"{run}: {problem}" for run in runs for problem in run.problems]
    results.broken += [f"{kind}: said behind everybody's back: {message}" for message in noise.forgotten]


async def run_cancels(kind: str, url: str, results: Results, count: int, say: Say) -> None:
    """So many cancellations of every mode on one kind of database."""
    async with database_of(kind, url) as database:
        for mode in MODES:
            cancels = await cancel(database, mode, count)
            cancels.look(await database.stored())
            results.cancels.append(cancels)
            results.broken += [f"{kind}, {mode}: {problem}" for problem in cancels.problems]
            say(f"{kind} / {mode}: {count} cancels")


async def run_all(count: int, say: Say) -> Results:
    """The whole campaign; `count` cancellations for each mode and database."""
    results = Results()
    for kind in ("postgresql", "mysql", "sqlite"):
        with url_of(kind) as url:
            results.servers.append(await describe(kind, url))
            if kind != "sqlite":
                await run_loops(kind, url, results, say)
            await run_cancels(kind, url, results, count, say)
    return results
