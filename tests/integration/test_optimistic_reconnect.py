"""A connection that died a moment ago, the news still on the way, is replaced unseen (contract C10, ADR 0011)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry

from myfy_data import DataModule, DataSettings, ReadOnlySessionError
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import SERVERS, Database
from tests.faults import Fault, FaultProxy, statement

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)

Work = Callable[[AsyncSession, Database], Awaitable[Any]]


async def heat(data: DataModule, connections: int) -> None:
    """Use so many connections at the same time, so that each was used a moment ago."""
    sessions = [data.get_session_factory().create_session() for _ in range(connections)]
    await asyncio.gather(*(session.execute(text("SELECT 1")) for session in sessions))
    for session in sessions:
        await (await drivers_connection(session)).fetch(KNOWN_TO_THE_DRIVER, 1)
    await asyncio.gather(*(session.close() for session in sessions))


def let_connections_die(proxy: FaultProxy) -> None:
    """What is sent next is lost, and its connection is reset."""
    proxy.silence(then=lambda: asyncio.get_running_loop().call_soon(proxy.heal))


async def read(session: AsyncSession, database: Database) -> None:
    await session.execute(select(database.notes))


async def write(session: AsyncSession, database: Database) -> None:
    await session.execute(insert(database.notes))


async def write_many(session: AsyncSession, database: Database) -> None:
    rows = [{"text": None}, {"text": None}]
    await session.execute(insert(database.notes).returning(database.notes.c.id), rows)


async def write_text(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"INSERT INTO {database.notes.name} DEFAULT VALUES"))


async def write_many_texts(session: AsyncSession, database: Database) -> None:
    await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES (:text)"), [{"text": None}] * 2)


class Note:
    """Mapped before the connections die: mapping takes longer than the news of it."""


async def flush(session: AsyncSession, database: Database) -> None:
    session.add(Note())
    await session.flush()


async def call(session: AsyncSession, database: Database) -> None:
    await session.execute(select(func.pg_backend_pid()))


async def begin(session: AsyncSession, database: Database) -> None:
    async with session.begin():
        await session.execute(insert(database.notes))


async def drivers_connection(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def drivers_execute(session: AsyncSession, database: Database) -> None:
    await (await drivers_connection(session)).execute(f"INSERT INTO {database.notes.name} DEFAULT VALUES")


async def drivers_fetch(session: AsyncSession, database: Database) -> None:
    """Known to the driver: prepared on the connection that died."""
    assert await (await drivers_connection(session)).fetch(KNOWN_TO_THE_DRIVER, 1) == [(1,)]


async def drivers_copy(session: AsyncSession, database: Database) -> None:
    driver = await drivers_connection(session)
    await driver.copy_records_to_table(database.notes.name, records=[(None,)], columns=["text"])


async def drivers_cursor(session: AsyncSession, database: Database) -> None:
    async for _ in (await drivers_connection(session)).cursor("SELECT 1"):
        pass


async def a_cursor_by_hand(session: AsyncSession, database: Database) -> None:
    def run(connection: Any) -> None:
        connection.connection.cursor().execute("SELECT 1")

    await (await session.connection()).run_sync(run)


async def stream(session: AsyncSession, database: Database) -> None:
    await (await session.stream(select(database.notes))).all()


KNOWN_TO_THE_DRIVER = "SELECT $1::int"
WORKS: list[Work] = [read, write, write_many, write_text, write_many_texts, flush, call, begin, stream]
DRIVERS = [drivers_execute, drivers_fetch, drivers_copy, drivers_cursor, a_cursor_by_hand]
NEED_A_TRANSACTION = [stream, drivers_cursor]
AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}
CASES = [
    *(pytest.param(work, {}, id=work.__name__) for work in [*WORKS, *DRIVERS]),
    *(
        pytest.param(work, AUTOCOMMIT, id=f"{work.__name__}-autocommit")
        for work in [*WORKS, *DRIVERS]
        if work not in NEED_A_TRANSACTION
    ),
]


@pytest.mark.parametrize(("work", "settings"), CASES)
async def test_nobody_sees_it(database: Database, proxy: FaultProxy, work: Work, settings: dict[str, Any]) -> None:
    async def one(data: DataModule) -> None:
        async with data.session() as session:
            await work(session, database)

    mappings = registry(metadata=database.metadata)
    mappings.map_imperatively(Note, database.notes)
    mappings.configure()
    async with database.module(pool_size=5, **settings) as data:
        await heat(data, 5)
        let_connections_die(proxy)

        await asyncio.gather(*(one(data) for _ in range(5)))

        status = data.pool_status()
    mappings.dispose()
    assert (status.checked_out, status.size) == (0, 5)


async def test_what_was_written_is_there_once(database: Database, proxy: FaultProxy) -> None:
    async with database.module() as data:
        await heat(data, 1)
        let_connections_die(proxy)
        async with data.session() as session:
            await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


async def test_a_read_only_session_stays_so(database: Database, proxy: FaultProxy) -> None:
    async with database.module() as data:
        await heat(data, 1)
        let_connections_die(proxy)
        with pytest.raises(Exception, match="read-only"):
            async with data.session(read_only=True) as session:
                await read(session, database)
                await write(session, database)
        async with data.session() as session:
            await session.execute(database.note("the next session may write"))

    assert await database.stored() == ["the next session may write"]


async def test_a_statement_behind_the_first_is_not_sent_again(database: Database, proxy: FaultProxy) -> None:
    async with database.module() as data:
        await heat(data, 1)
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(database.note("a"))
                proxy.arm(Fault.RESET)
                await session.execute(database.note("b"))

    assert await database.stored() == []


async def test_the_first_write_behind_its_begin_is_not_sent_again(database: Database, proxy: FaultProxy) -> None:
    async with database.module() as data:
        await heat(data, 1)
        proxy.arm(Fault.RESET, nth=2)  # BEGIN passes, the INSERT does not
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(database.note("a"))

    assert await database.stored() == []


@pytest.mark.parametrize("before", [None, read], ids=["first", "behind a read"])
@pytest.mark.parametrize("interruption", ["a cancellation", "the deadline"])
async def test_an_interrupted_begin_leaves_nothing_behind(
    database: Database, proxy: FaultProxy, before: Work | None, interruption: str
) -> None:
    async def store(note: str) -> None:
        async with data.session() as session:
            if before is not None:
                await before(session, database)
            await session.execute(database.note(note))

    async with database.module(pool_size=1, command_timeout=PATIENCE) as data:
        await store("warm")
        seconds = 2 * PATIENCE if interruption == "the deadline" else 0.1
        proxy.arm(Fault.DELAY, when=statement("BEGIN"), seconds=seconds)
        interrupted = asyncio.create_task(store("interrupted"))
        await proxy.until_fired()
        if interruption == "a cancellation":
            interrupted.cancel()
        else:
            deadline_of(PATIENCE)()
        with pytest.raises((TimeoutError, asyncio.CancelledError)):
            await interrupted

        await store("acknowledged")

    assert await database.stored() == ["acknowledged", "warm"]


def module_with(database: Database, listen: Callable[[Any], None], **settings: Any) -> DataModule:
    profiles = DataSettings(profiles={"main": database.settings(**settings)})
    return DataModule(settings=profiles, on_engine=lambda _, engine: listen(engine.sync_engine))


@pytest.mark.parametrize("settings", [{}, AUTOCOMMIT])
async def test_sql_of_a_checkout_listener_does_not_see_it(
    database: Database, proxy: FaultProxy, settings: dict[str, Any]
) -> None:
    def listen(engine: Any) -> None:
        @event.listens_for(engine, "checkout")
        def check_out(dbapi_connection: Any, *_: Any) -> None:
            dbapi_connection.cursor().execute("SELECT 1")

    async with module_with(database, listen, **settings) as data:
        await heat(data, 1)
        let_connections_die(proxy)
        async with data.session() as session:
            await session.execute(database.note("a"))

    assert await database.stored() == ["a"]


async def test_the_connection_that_takes_its_place_is_as_every_other(database: Database, proxy: FaultProxy) -> None:
    def listen(engine: Any) -> None:
        @event.listens_for(engine, "connect")
        def set_name(dbapi_connection: Any, _: Any) -> None:
            dbapi_connection.cursor().execute("SET application_name = 'greeted'")
            dbapi_connection.commit()

    async with module_with(database, listen, pool_size=1) as data:
        await heat(data, 1)
        let_connections_die(proxy)
        async with data.session() as session:
            driver = await drivers_connection(session)
            assert await driver.fetchval("SHOW application_name") == "greeted"
            assert await driver.fetchval("SELECT '{\"a\": 1}'::json") == {"a": 1}
            assert await session.scalar(text("SHOW application_name")) == "greeted"


async def test_who_holds_the_drivers_connection_goes_on_with_it(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1) as data:
        await heat(data, 1)
        let_connections_die(proxy)
        async with data.session() as session:
            before = await drivers_connection(session)
            await before.execute(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
            assert await drivers_connection(session) is before
            await session.rollback()

    assert await database.stored() == []


async def test_a_level_of_ones_own_goes_along(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1) as data:
        await heat(data, 1)
        let_connections_die(proxy)
        async with data.session() as session:
            await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
            assert await session.scalar(text("SHOW transaction_isolation")) == "serializable"


async def test_a_read_only_session_in_autocommit_stays_so(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1, **AUTOCOMMIT) as data:
        async with data.session(read_only=True) as session:
            await read(session, database)
        let_connections_die(proxy)
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await session.execute(database.note("a"))

    assert await database.stored() == []


@pytest.mark.parametrize("settings", [{}, AUTOCOMMIT])
@pytest.mark.parametrize("work", [call, write_text, drivers_execute, drivers_fetch, drivers_copy, a_cursor_by_hand])
async def test_nor_that_it_was_told_before_the_first_message(
    database: Database, work: Work, settings: dict[str, Any]
) -> None:
    async with database.module(pool_size=1, **settings) as data:
        for _ in range(2):
            async with data.session() as session:
                await work(session, database)
        ended = asyncio.Event()
        async with data.session() as session:
            driver = await drivers_connection(session)
            driver.add_termination_listener(lambda _: ended.set())
            await database.run(f"SELECT pg_terminate_backend({driver.get_server_pid()})")
            await ended.wait()
            await work(session, database)


async def test_a_connection_closed_before_its_first_message_is_closed_for_the_driver(
    database: Database,
) -> None:
    async with database.module() as data:
        async with data.get_engine().connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
        async with data.get_engine().connect():
            """It comes out of the pool again, and nothing is sent."""
        await data.get_engine().dispose()

        assert driver is not None
        assert driver.is_closed()
