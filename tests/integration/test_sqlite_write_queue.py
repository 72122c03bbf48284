"""Writers of a SQLite file wait for their turn without a pooled connection: readers read beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from myfy_data import DatabaseSettings, DataModule
from myfy_data.engines.connect.read_only import READ_ONLY_OPTIONS
from myfy_data.engines.pool.errors import PoolExhausted
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.sqlite_files import counted, database_with_counter, increment, opened, waiting_writers

READING = READ_ONLY_OPTIONS
ADD_ONE = text("UPDATE counter SET value = value + 1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    """A module with two connections."""
    settings = DatabaseSettings(database_url=f"sqlite:///{path}", pool_size=2, max_overflow=0)
    async with DataModule(settings=settings) as data:
        yield data


# -- every API -----------------------------------------------------------------------------------------------------


async def by_session(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(ADD_ONE)


async def by_block(data: DataModule) -> None:
    async with data.session() as session, session.begin():
        await session.execute(ADD_ONE)


async def by_run_sync(data: DataModule) -> None:
    def add(session: Session) -> None:
        session.execute(ADD_ONE)

    async with data.session() as session:
        await session.run_sync(add)


async def by_driver(data: DataModule) -> None:
    async with data.session() as session:
        pooled = await (await session.connection()).get_raw_connection()
        await pooled.driver_connection.execute("UPDATE counter SET value = value + 1")


async def by_factory_of_sqlalchemy(data: DataModule) -> None:
    async with AsyncSession(data.get_engine()) as session, session.begin():
        await session.execute(ADD_ONE)


async def by_connect(data: DataModule) -> None:
    async with data.get_engine().connect() as connection:
        await connection.execute(ADD_ONE)
        await connection.commit()


async def by_begin(data: DataModule) -> None:
    async with data.get_engine().begin() as connection:
        await connection.execute(ADD_ONE)


async def by_connection_run_sync(data: DataModule) -> None:
    def add(connection: Connection) -> None:
        connection.execute(ADD_ONE)

    async with data.get_engine().begin() as connection:
        await connection.run_sync(add)


async def by_options_of_an_engine(data: DataModule) -> None:
    async with data.get_engine().execution_options(isolation_level="SERIALIZABLE").begin() as connection:
        await connection.execute(ADD_ONE)


async def by_options_of_options(data: DataModule) -> None:
    engine = data.get_engine().execution_options(logging_token="one").execution_options(stream_results=False)
    async with engine.begin() as connection:
        await connection.execute(ADD_ONE)


async def by_options_of_a_connection(data: DataModule) -> None:
    async with data.get_engine().connect() as connection:
        await connection.execution_options(isolation_level="SERIALIZABLE")
        await connection.execute(ADD_ONE)
        await connection.commit()


DOORS = [
    by_session,
    by_block,
    by_run_sync,
    by_driver,
    by_factory_of_sqlalchemy,
    by_connect,
    by_begin,
    by_connection_run_sync,
    by_options_of_an_engine,
    by_options_of_options,
    by_options_of_a_connection,
]


@pytest.mark.parametrize("write", DOORS)
async def test_a_reader_reads_beside_writers_that_wait(
    data: DataModule, path: Path, write: Callable[[DataModule], Awaitable[None]]
) -> None:
    async with data.session() as first:
        await first.execute(ADD_ONE)
        waiting = [asyncio.create_task(write(data)) for _ in range(5)]
        await waiting_writers(path, 5)

        async with data.session(read_only=True) as reader:
            assert await reader.scalar(text("SELECT value FROM counter")) == 0
    await asyncio.gather(*waiting)

    assert await counted(path) == 6


async def test_a_listener_that_asks_at_checkout_makes_no_difference(data: DataModule, path: Path) -> None:
    @event.listens_for(data.get_engine().sync_engine, "checkout")
    def ask(connection: object, *_: object) -> None:
        connection.cursor().execute("SELECT 1")  # type: ignore[attr-defined]  # SQLAlchemy's adapter

    async with data.session() as first:
        await first.execute(ADD_ONE)
        waiting = [asyncio.create_task(by_session(data)) for _ in range(5)]
        await waiting_writers(path, 5)

        async with data.session(read_only=True) as reader:
            assert await reader.scalar(text("SELECT value FROM counter")) == 0
    await asyncio.gather(*waiting)


# -- the turn and the pool -----------------------------------------------------------------------------------------


async def test_writers_that_wait_hold_no_connection(data: DataModule, path: Path) -> None:
    async with data.session() as first:
        await first.execute(ADD_ONE)
        waiting = [asyncio.create_task(by_session(data)) for _ in range(5)]
        await waiting_writers(path, 5)

        assert data.pool_status().checked_out == 1
    await asyncio.gather(*waiting)


async def test_writers_of_one_connection_are_served_in_the_order_of_asking(path: Path) -> None:
    order: list[int] = []

    async def write(engine: AsyncEngine, number: int) -> None:
        async with engine.begin() as connection:
            await increment(connection)
            order.append(number)

    async with opened(path, pool_size=1, max_overflow=0) as engine:
        await asyncio.gather(*(write(engine, number) for number in range(20)))

    assert order == list(range(20))


async def test_what_was_done_to_a_connection_stays_while_it_waits(path: Path) -> None:
    """It is kept: the next checkout would get it."""
    async with opened(path) as engine, engine.begin() as first, engine.connect() as second:
        driver = (await second.get_raw_connection()).driver_connection
        await driver.execute("CREATE TEMP TABLE mine (i)")
        waiting = asyncio.create_task(second.execute(text("SELECT * FROM mine")))
        await waiting_writers(path, 1)
        async with engine.execution_options(**READING).connect():
            await first.rollback()

            assert (await waiting).all() == []


async def test_a_writer_without_a_connection_stands_in_the_way_of_none_that_has_one(path: Path) -> None:
    """It has its turn and waits for a connection; the one that holds it waits for the turn."""

    async def write(engine: AsyncEngine) -> None:
        async with engine.begin() as connection:
            await increment(connection)

    async def write_and_close(connection: AsyncConnection) -> None:
        async with connection.begin():
            await increment(connection)
        await connection.close()

    async with opened(path, pool_size=2, max_overflow=0) as engine, opened(path) as other:
        kept = await engine.connect()
        await (await kept.get_raw_connection()).driver_connection.execute("SELECT 1")
        async with other.begin() as first:
            without = asyncio.create_task(write(engine))
            await waiting_writers(path, 1)
            holding = asyncio.create_task(write_and_close(kept))
            await waiting_writers(path, 2)
            async with engine.execution_options(**READING).connect():
                await first.rollback()
                await holding
                await without

    assert await counted(path) == 2


async def test_a_writer_whose_connection_never_comes_gives_its_turn_back(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE, pool_size=1, max_overflow=0) as engine:
        async with opened(path) as other, other.begin() as first:
            waiting = asyncio.create_task(_begin(engine))
            await waiting_writers(path, 1)
            async with engine.execution_options(**READING).connect():
                await first.rollback()
                while engine.pool.waiting == 0:  # type: ignore[attr-defined]  # our pool
                    await asyncio.sleep(0)
                deadline_of(PATIENCE)()
                with pytest.raises(PoolExhausted, match="no connection became free"):
                    await waiting
        await _begin(engine)


async def test_a_writer_that_is_cancelled_while_it_waits_for_a_connection_gives_its_turn_back(path: Path) -> None:
    async with opened(path, pool_size=1, max_overflow=0) as engine, opened(path) as other:
        async with other.begin() as first:
            waiting = asyncio.create_task(_begin(engine))
            await waiting_writers(path, 1)
            async with engine.execution_options(**READING).connect():
                await first.rollback()
                while engine.pool.waiting == 0:  # type: ignore[attr-defined]  # our pool
                    await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.wait([waiting])
        await _begin(engine)


async def _begin(engine: AsyncEngine) -> None:
    async with engine.begin():
        pass


async def test_a_listener_that_fails_before_begin_keeps_no_turn(path: Path) -> None:
    async with opened(path, pool_timeout=PATIENCE) as engine, engine.connect() as connection:

        @event.listens_for(engine.sync_engine, "begin", once=True)
        def fail(_: object) -> None:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await connection.execute(text("SELECT 1"))
        await _begin(engine)
