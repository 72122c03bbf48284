"""Hosts in processes of their own, started when a test first asks for them, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.hosts.middleware_positions import Place, all_places
from tests.hosts.servers import Process, running
from tests.hosts.stored_rows import Subject
from tests.hosts.tables import count_notes, create_tables
from tests.sandbox import RUN_TIMEOUT
from tests.servers import MYSQL, POSTGRESQL, throw_away_database

NAIVE = "naive"
"""In place of a database: the host without our adapter, on PostgreSQL."""

HYPERCORN = "hypercorn "
"""Before a database's kind: the same application under hypercorn; otherwise it is uvicorn."""

WIDE = "wide "
"""Before a database's kind: the same application under uvicorn, with pools of three."""

SubjectOf = Callable[[str, str], Subject]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def places(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Place]]:
    """The databases, by kind."""
    async with all_places(tmp_path_factory.mktemp("places")) as places:
        yield places


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """One client for all; neither a proxy of this machine nor an earlier request stands between."""
    # A server closes the connection on which an application raised, as soon as it comes to that.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=RUN_TIMEOUT, trust_env=False, limits=limits) as client:
        yield client


@pytest.fixture(scope="session")
def subject_of(
    places: dict[str, Place], client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SubjectOf]:
    """Gives the application of a host on a database; all of one host live in one process."""
    listeners = {kind: place.listener() for kind, place in places.items()}
    if POSTGRESQL.name in places:
        listeners[NAIVE] = places[POSTGRESQL.name].listener(naive=True)
    listeners |= {HYPERCORN + kind: place.listener(server="hypercorn") for kind, place in places.items()}
    listeners |= {WIDE + kind: place.listener(pool_size=3) for kind, place in places.items()}
    processes: dict[str, Process] = {}
    with ExitStack() as stack:

        def subject_of(host: str, listener: str) -> Subject:
            kind = POSTGRESQL.name if listener == NAIVE else listener.removeprefix(HYPERCORN).removeprefix(WIDE)
            if kind not in places:
                skip_without(kind)
            if host not in processes:
                log = tmp_path_factory.mktemp("host") / f"{host}.log"
                processes[host] = stack.enter_context(running(host, list(listeners.values()), log))
            address = processes[host].addresses[list(listeners).index(listener)]
            return Subject(processes[host], address, places[kind], client)

        yield subject_of


def skip_without(kind: str) -> None:
    """Skip the test, or fail it where the run requires this server."""
    with throw_away_database({each.name: each for each in (POSTGRESQL, MYSQL)}[kind]):
        raise AssertionError(f"there is a {kind} server after all")


@dataclass(frozen=True)
class Local:
    """A module for an application in the test's own event loop, and its two databases.

    Attributes:
        data: profiles `main` and `second`, on SQLite files.
        engine: goes straight to `main`'s file.
    """

    data: DataModule
    engine: AsyncEngine

    async def stored(self, text: str = "") -> int:
        """How many notes begin with a text, as another connection sees it."""
        async with AsyncSession(self.engine) as session:
            return await count_notes(session, text)


@pytest.fixture
async def local(tmp_path: Path) -> Local:
    """A module that an application may start, and nothing stored."""
    urls = {name: f"sqlite+aiosqlite:///{tmp_path / name}.db" for name in ("main", "second")}
    profiles = {name: DatabaseSettings(database_url=url, pool_size=3, max_overflow=0) for name, url in urls.items()}
    data = DataModule(settings=DataSettings(default="main", profiles=profiles))
    async with data:
        for name in urls:
            await create_tables(data.get_engine(name))
    engine = create_async_engine(urls["main"], poolclass=NullPool)
    return Local(data, engine)
