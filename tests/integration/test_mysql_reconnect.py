"""A hot MySQL connection whose death is news on the way is replaced below a first plain read, and only there (C10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseTimeoutError, DataModule, ReadOnlySessionError
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import Database
from tests.faults import FaultProxy
from tests.integration.test_mysql_pre_ping import by_write, driver_of
from tests.integration.test_optimistic_reconnect import let_connections_die

pytestmark = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

Work = Callable[[AsyncSession, Database], Awaitable[Any]]
BOTH_MODES = pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])


async def heat(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("SELECT 1"))


async def by_text(session: AsyncSession, _: Database) -> None:
    await session.execute(text("SELECT 1"))


async def by_lock(session: AsyncSession, database: Database) -> None:
    await session.execute(select(database.notes).with_for_update())


async def by_function(session: AsyncSession, _: Database) -> None:
    await session.execute(select(func.release_all_locks()))


async def by_stream(session: AsyncSession, database: Database) -> None:
    await session.stream(select(database.notes))


async def by_dbapi_cursor(session: AsyncSession, _: Database) -> None:
    def run(connection: Any) -> None:
        connection.connection.cursor().execute("SELECT 1")

    await (await session.connection()).run_sync(run)


@BOTH_MODES
@pytest.mark.parametrize("read_only", [False, True])
async def test_a_first_plain_read_is_sent_again(
    database: Database, proxy: FaultProxy, level: str | None, *, read_only: bool
) -> None:
    async with database.module(pool_size=1, isolation_level=level) as data:
        async with data.session() as session:
            await by_write(session, database)
        let_connections_die(proxy)
        async with data.session(read_only=read_only) as session:
            assert await session.scalar(select(func.count(database.notes.c.id))) == 1
            if not read_only:
                await session.execute(database.note("b"))
            else:
                with pytest.raises(ReadOnlySessionError):
                    await session.execute(text(f"DELETE FROM {database.notes.name}"))
    assert await database.stored() == (["a"] if read_only else ["a", "b"])


@pytest.mark.parametrize("work", [by_write, by_text, by_lock, by_function, by_stream, by_dbapi_cursor])
@BOTH_MODES
async def test_what_may_do_more_is_sent_once_and_told(
    database: Database, proxy: FaultProxy, level: str | None, work: Work
) -> None:
    async with database.module(pool_size=1, isolation_level=level) as data:
        await heat(data)
        let_connections_die(proxy)
        with pytest.raises(Exception, match="Lost connection"):
            async with data.session() as session:
                await work(session, database)

    assert await database.stored() == []


async def test_a_plain_read_that_is_not_the_first_is_told(database: Database, proxy: FaultProxy) -> None:
    """What came before it, a snapshot or a lock, would be lost in silence."""
    async with database.module(pool_size=1) as data:
        await heat(data)
        with pytest.raises(DBAPIError, match="Lost connection"):
            async with data.session() as session:
                await session.execute(select(database.notes))
                let_connections_die(proxy)
                await session.execute(select(database.notes))


async def test_a_plain_read_behind_a_statement_of_a_listener_is_told(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1) as data:

        def begin(connection: Any) -> None:
            connection.exec_driver_sql("SET @tenant = 'a'")
            let_connections_die(proxy)

        await heat(data)
        event.listen(data.get_engine().sync_engine, "begin", begin)
        with pytest.raises(DBAPIError, match="Lost connection"):
            async with data.session() as session:
                await session.execute(select(database.notes))


async def test_an_answer_that_is_late_is_no_death(database: Database, proxy: FaultProxy) -> None:
    async with database.module(pool_size=1, command_timeout=PATIENCE) as data:
        await heat(data)
        proxy.silence(then=deadline_of(PATIENCE))
        try:
            with pytest.raises(DatabaseTimeoutError):
                async with data.session() as session:
                    await session.execute(select(database.notes))
        finally:
            proxy.heal()


async def test_what_is_held_goes_on_and_listeners_hear_of_the_new_connection(
    database: Database, proxy: FaultProxy
) -> None:
    async with database.module(pool_size=1) as data:
        heard: list[str] = []
        engine = data.get_engine().sync_engine

        def name(dbapi_connection: Any, *_: Any) -> None:
            heard.append("connect")
            cursor = dbapi_connection.cursor()
            cursor.execute("SET @tenant = 'told anew'")
            cursor.close()

        event.listen(engine, "connect", name)
        event.listen(engine, "do_connect", lambda *_: heard.append("do_connect"))
        await heat(data)
        let_connections_die(proxy)
        async with data.session() as session:
            driver = await driver_of(session)
            await session.execute(select(database.notes))
            assert await driver_of(session) is driver
            async with driver.cursor() as cursor:
                await cursor.execute("SELECT @tenant, @@autocommit")
                assert await cursor.fetchone() == ("told anew", 0)
        async with data.session() as session:
            await by_write(session, database)

    assert heard == ["do_connect", "connect"]
    assert await database.stored() == ["a"]
