"""The databases that the hosts write to, each behind a proxy that can break its connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tests.faults import FaultProxy, fault_proxy_in_thread
from tests.hosts.serve import Listener
from tests.hosts.tables import count_notes, create_tables
from tests.servers import MYSQL, POSTGRESQL, NoServerError, ServerKind


@dataclass(frozen=True)
class Place:
    """Two databases of one kind.

    Attributes:
        kind: `sqlite`, `postgresql` or `mysql`.
        main: the first one's URL.
        second: the other's.
        proxy: stands before both; none before SQLite.
        engines: of this process, straight to both.
    """

    kind: str
    main: str
    second: str
    proxy: FaultProxy | None = None
    engines: list[AsyncEngine] = field(default_factory=list)

    def listener(self, **details: Any) -> Listener:
        """An application that reaches the databases through the proxy; `details` are further fields of it."""
        main, second = (self.proxy.through(url) if self.proxy else url for url in (self.main, self.second))
        return Listener(self.kind, main, second, self.main, **details)

    async def open(self, stack: AsyncExitStack) -> None:
        """Connect, until the stack ends, and create the tables."""
        for url in (self.main, self.second):
            engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
            stack.push_async_callback(engine.dispose)
            await create_tables(engine)
            self.engines.append(engine)

    async def stored(self, text: str) -> tuple[int, int]:
        """How many notes begin with a text, in each database, as a connection of our own sees it."""
        main, second = self.engines
        return await _count(main, text), await _count(second, text)


async def _count(engine: AsyncEngine, text: str) -> int:
    async with AsyncSession(engine) as session:
        return await count_notes(session, text)


@asynccontextmanager
async def all_places(directory: Path) -> AsyncIterator[dict[str, Place]]:
    """A place of each kind for which there is a server."""
    async with AsyncExitStack() as stack:
        main, second = (f"sqlite+aiosqlite:///{directory / name}.db" for name in ("main", "second"))
        places = [Place("sqlite", main, second)]
        for kind in (POSTGRESQL, MYSQL):
            try:
                places.append(stack.enter_context(_on_server(kind)))
            except NoServerError:
                continue  # the test that needs it says so
        for place in places:
            await place.open(stack)
        yield {place.kind: place for place in places}


@contextmanager
def _on_server(kind: ServerKind) -> Iterator[Place]:
    with (
        kind.server() as server,
        server.database() as main,
        server.database() as second,
        fault_proxy_in_thread(main) as (proxy, _),
    ):
        yield Place(kind.name, main, second, proxy)
