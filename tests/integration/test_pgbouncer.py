"""Behind a PgBouncer in transaction mode, whose pool holds two connections, nothing fails (H9)."""

from __future__ import annotations

import asyncio
import enum
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import ARRAY, JSON, Column, Enum, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import (
    DatabaseSettings,
    DataModule,
    DataModuleError,
    DataSettings,
    ReadOnlySessionError,
    SessionError,
)
from tests.pgbouncer import SIZE, own_pgbouncer
from tests.servers import required

CLIENTS = 10
STATEMENTS = 1000

Unit = Callable[[AsyncSession, int], Awaitable[int]]
"""A unit of work, and the statements that it runs."""


class Colour(enum.Enum):
    """A type of the server's own."""

    RED = 1
    BLUE = 2


THINGS = Table(
    f"things_{secrets.token_hex(4)}",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(50)),
    Column("colour", Enum(Colour)),
    Column("tags", ARRAY(String)),
    Column("extra", JSON),
)
"""Types that the driver must ask the server about."""


@pytest.fixture(scope="module")
def bouncer(postgresql_url: str) -> Iterator[str]:
    with required("pgbouncer"), own_pgbouncer(postgresql_url) as url:
        yield url


def module(url: str, **settings: object) -> DataModule:
    pooled = {"pooler": "pgbouncer", "pool_size": CLIENTS, "max_overflow": 0, **settings}
    return DataModule(settings=DataSettings(profiles={"main": DatabaseSettings(database_url=url, **pooled)}))


@pytest.fixture
async def data(bouncer: str, postgresql_url: str) -> AsyncIterator[DataModule]:
    """A module with more connections to PgBouncer than PgBouncer has to the server, and a table."""
    async with module(postgresql_url, pooler="none") as straight:
        async with straight.get_engine().begin() as connection:
            await connection.run_sync(THINGS.metadata.create_all)
        async with module(bouncer) as data:
            yield data
        async with straight.get_engine().begin() as connection:
            await connection.run_sync(THINGS.metadata.drop_all)


# -- units of work ---------------------------------------------------------------------------------------------


def thing(number: int) -> dict[str, object]:
    colour = Colour.RED if number % 2 else Colour.BLUE
    return {"name": f"n{number}", "colour": colour, "tags": ["a", str(number)], "extra": {"n": number}}


async def write(session: AsyncSession, number: int) -> int:
    key = (await session.execute(insert(THINGS).values(**thing(number)).returning(THINGS.c.id))).scalar_one()
    await session.execute(update(THINGS).where(THINGS.c.id == key).values(tags=["b"]))
    return 2


async def write_many(session: AsyncSession, number: int) -> int:
    await session.execute(insert(THINGS), [thing(number), thing(number + 1)])
    return 1


async def read(session: AsyncSession, number: int) -> int:
    found = (await session.execute(select(THINGS).where(THINGS.c.name == f"n{number}").limit(3))).all()
    assert all(row.extra == {"n": number} for row in found)
    return 1


async def read_text(session: AsyncSession, number: int) -> int:
    assert (await session.execute(text("SELECT CAST(:n AS integer) + 1"), {"n": number})).scalar_one() == number + 1
    assert (await session.execute(text("SELECT CAST(:n AS text)"), {"n": str(number)})).scalar_one() == str(number)
    return 2


async def stream(session: AsyncSession, number: int) -> int:
    rows = await session.stream(text("SELECT i, CAST(:n AS integer) FROM generate_series(1, 20) i"), {"n": number})
    assert [tuple(row) async for row in rows] == [(i, number) for i in range(1, 21)]
    return 1


async def save_point(session: AsyncSession, number: int) -> int:
    async with session.begin_nested():
        await session.execute(insert(THINGS).values(**thing(number)))
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await session.execute(text("SELECT 1 / CAST(:zero AS integer)"), {"zero": 0})
    return 6


UNITS: tuple[Unit, ...] = (write, read, write_many, read_text, stream, save_point)


async def run_units(data: DataModule, statements: int) -> tuple[int, list[BaseException]]:
    """Let every client run units of work until so many statements were run; the failures, too."""
    done = 0
    failures: list[BaseException] = []

    async def client(first: int) -> None:
        nonlocal done
        number = first
        while done < statements:
            try:
                async with data.session() as session:
                    ran = await UNITS[number % len(UNITS)](session, number)
            except DBAPIError as error:
                ran = 1
                failures.append(error)
            done += ran  # not with the await in one line: other clients count meanwhile
            number += 1

    await asyncio.gather(*(client(first) for first in range(CLIENTS)))
    return done, failures


# -- tests -----------------------------------------------------------------------------------------------------


async def test_a_thousand_mixed_statements_through_a_pool_of_two(data: DataModule) -> None:
    done, failures = await run_units(data, STATEMENTS)

    assert failures == []
    assert done >= STATEMENTS


async def test_without_the_setting_statements_fail(data: DataModule, bouncer: str) -> None:
    """The control: PgBouncer does mix the clients up."""
    async with module(bouncer, pooler="none") as careless:
        _, failures = await run_units(careless, 300)

    assert any("prepared statement" in str(failure) for failure in failures)


async def test_ten_clients_share_two_servers(data: DataModule) -> None:
    together = asyncio.Barrier(CLIENTS)
    async with AsyncExitStack() as stack:  # each of its connections is in use, and so it has them all
        sessions = [await stack.enter_async_context(data.session()) for _ in range(SIZE)]
        servers = {await session.scalar(text("SELECT pg_backend_pid()")) for session in sessions}

    async def client() -> set[int]:
        pids = set()
        for _ in range(5):
            await together.wait()
            async with data.session() as session:
                pids.add((await session.execute(select(func.pg_backend_pid()))).scalar_one())
        return pids

    seen = set.union(*await asyncio.gather(*(client() for _ in range(CLIENTS))))

    assert len(servers) == SIZE
    assert seen <= servers


async def test_a_session_that_only_reads_is_refused_its_writes(bouncer: str) -> None:
    async with module(bouncer) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await session.execute(text("CREATE TABLE never (id integer)"))


async def test_a_profile_that_only_reads_is_refused_its_writes(bouncer: str) -> None:
    async with module(bouncer, read_only=True) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session() as session:
                await session.execute(text("CREATE TABLE never (id integer)"))


async def test_a_statement_in_autocommit_is_refused_with_its_reason(bouncer: str) -> None:
    async with module(bouncer) as data:
        engine = data.get_engine().execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            with pytest.raises(SessionError, match="two halves of a statement") as caught:
                await connection.execute(select(1))

    assert "fix: run it by a profile that reaches the server without PgBouncer" in str(caught.value)


async def test_an_idle_connection_is_pinged_and_health_is_asked(bouncer: str) -> None:
    async with module(bouncer, pool_pre_ping_idle=0.0) as data:
        for _ in range(3):
            async with data.session() as session:
                await session.execute(select(1))
        report = await data.health()

    assert report.ok


async def test_a_plan_is_had_again_and_again_and_nothing_of_it_stays_at_the_server(data: DataModule) -> None:
    plans = [await data.explain("SELECT 1") for _ in range(3)]
    with pytest.raises(DataModuleError, match="does not plan"):
        await data.explain("SELECT nowhere FROM nowhere")
    async with data.session() as session:
        left = await session.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE name ~ 'myfy_explained'"))

    assert all(plans)
    assert left == 0
