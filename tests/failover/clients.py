"""The clients that are compared: this package, the same without its monitor, and SQLAlchemy with the driver's list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from unittest.mock import patch

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from myfy_data import CommitOutcomeUnknown, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.cluster.monitor import Monitor
from tests.failover.work import READERS, WRITERS, Client, OutcomeUnknownError, Seen

DEADLINE = 5.0
"""Seconds for a connect and for a statement, with each client."""

HEARTBEAT = 0.5
MAX_LAG = 2.0


@dataclass(frozen=True)
class Target:
    """Where a client finds the database.

    Attributes:
        hosts: the servers, or what stands in front of them.
        readers: addresses for readers alone; usually none.
        database: its name.
        pooler: the profile's.
        driver: `postgresql` or `mysql`.
        user: its account.
    """

    hosts: Sequence[str]
    database: str
    readers: Sequence[str] = ()
    pooler: str = "none"
    driver: str = "postgresql"
    user: str = "postgres"

    @property
    def ports(self) -> frozenset[int]:
        """Where its clients' connections lead."""
        return frozenset(int(address.rpartition(":")[2]) for address in (*self.hosts, *self.readers))


@dataclass(frozen=True)
class Statements:
    """What the tasks run, in one database's SQL.

    Attributes:
        insert: stores a row, and tells the server's port.
        select: tells the server's port, whether it is the one that takes writes, and whether two rows are there.
    """

    insert: TextClause
    select: TextClause


_THERE = "EXISTS (SELECT 1 FROM written WHERE i = :last), EXISTS (SELECT 1 FROM written WHERE i = :old)"

STATEMENTS = {
    "postgresql": Statements(
        text("INSERT INTO written (i) VALUES (:i) RETURNING inet_server_port()"),
        text(f"SELECT inet_server_port(), NOT pg_is_in_recovery(), {_THERE}"),
    ),
    "mysql": Statements(
        text("INSERT INTO written (i) VALUES (:i) RETURNING @@port"),
        text(
            f"SELECT @@port, NOT (@@read_only OR @@wsrep_on), {_THERE}"
        ),  # a node of Galera serves readers as a replica
    ),
}


class Opener(Protocol):
    """Makes a client."""

    def __call__(self, target: Target) -> AbstractAsyncContextManager[Client]:
        """A client, closed with the block."""
        ...


def profile(target: Target) -> DatabaseSettings:
    """A profile as a user would write it."""
    several = {"hosts": list(target.hosts)} if len(target.hosts) > 1 else {}
    host = target.hosts[0] if len(target.hosts) == 1 else ""
    reads = {"from": "prefer-replica", "max_lag": MAX_LAG, "consistency": "eventual"}
    return DatabaseSettings(
        database_url=f"{target.driver}://{target.user}@{host}/{target.database}",
        cluster={"heartbeat": HEARTBEAT, "failover_timeout": 60.0},
        reads={**reads, "hosts": list(target.readers)} if target.readers else reads,
        connect_timeout=DEADLINE,
        command_timeout=DEADLINE,
        pooler=target.pooler,
        pool_size=WRITERS + READERS,
        **several,
    )


class Ours:
    """Sessions of this package."""

    def __init__(self, data: DataModule, statements: Statements) -> None:
        self._data, self._statements = data, statements

    async def write(self, number: int) -> int:
        """As `Client`."""
        try:
            async with self._data.session() as session:
                server = await session.scalar(self._statements.insert, {"i": number})
        except CommitOutcomeUnknown as error:
            raise OutcomeUnknownError from error
        return int(server or 0)

    async def read(self, last: int, old: int) -> Seen:
        """As `Client`."""
        async with self._data.session(read_only=True) as session:
            row = (await session.execute(self._statements.select, {"last": last, "old": old})).one()
            return Seen(*row)

    @property
    def checked_out(self) -> int:
        """As `Client`."""
        return self._data.pool_status().checked_out


class Plain:
    """SQLAlchemy's engines, one for writers and one for readers."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine, statements: Statements) -> None:
        self._writing, self._reading, self._statements = writing, reading, statements

    async def write(self, number: int) -> int:
        """As `Client`; a COMMIT that fails says nothing of what it came to."""
        async with self._writing.connect() as connection:
            server = await connection.scalar(self._statements.insert, {"i": number})
            try:
                await connection.commit()
            except Exception as error:
                raise OutcomeUnknownError from error
        return int(server or 0)

    async def read(self, last: int, old: int) -> Seen:
        """As `Client`."""
        async with self._reading.connect() as connection:
            return Seen(*(await connection.execute(self._statements.select, {"last": last, "old": old})).one())

    @property
    def checked_out(self) -> int:
        """As `Client`."""
        return sum(engine.pool.checkedout() for engine in (self._writing, self._reading))  # type: ignore[attr-defined]  # QueuePool's


@asynccontextmanager
async def ours(target: Target) -> AsyncIterator[Client]:
    """This package."""
    async with DataModule(settings=DataSettings(profiles={"main": profile(target)})) as data:
        yield Ours(data, STATEMENTS[target.driver])


@asynccontextmanager
async def unmonitored(target: Target) -> AsyncIterator[Client]:
    """This package, which looks at every server once, at the start, and never again: the control."""
    async with DataModule(settings=DataSettings(profiles={"main": profile(target)})) as data:
        with patch.object(Monitor, "_begin", lambda self, address: self._due.update({address: float("inf")})):
            yield Ours(data, STATEMENTS[target.driver])


@asynccontextmanager
async def plain(target: Target) -> AsyncIterator[Client]:
    """SQLAlchemy and the driver: asyncpg's list of hosts chooses a server for each connection; aiomysql has no list."""
    made = _on_mysql(target) if target.driver == "mysql" else _on_postgresql(target)
    try:
        yield Plain(*made, STATEMENTS[target.driver])
    finally:
        for engine in made:  # without a farewell, which a server that hangs does not answer
            engine.sync_engine.dispose(close=False)


def _on_postgresql(target: Target) -> tuple[AsyncEngine, AsyncEngine]:
    def made(attributes: str, hosts: Sequence[str]) -> AsyncEngine:
        options = {"timeout": DEADLINE, "command_timeout": DEADLINE, "target_session_attrs": attributes}
        if target.pooler != "none":
            options = {"timeout": DEADLINE, "command_timeout": DEADLINE, "statement_cache_size": 0}
        url = f"postgresql+asyncpg://{target.user}@/{target.database}?{'&'.join(f'host={one}' for one in hosts)}"
        return create_async_engine(url, connect_args=options, pool_pre_ping=True, pool_size=WRITERS + READERS)

    return made("read-write", target.hosts), made("prefer-standby", target.readers or target.hosts)


def _on_mysql(target: Target) -> tuple[AsyncEngine, AsyncEngine]:
    url = f"mysql+aiomysql://{target.user}@{target.hosts[0]}/{target.database}"
    options = {"connect_timeout": DEADLINE}
    made = create_async_engine(url, connect_args=options, pool_pre_ping=True, pool_size=WRITERS + READERS)
    return made, made


CLIENTS: dict[str, Opener] = {"myfy-data": ours, "without the monitor": unmonitored, "SQLAlchemy": plain}
