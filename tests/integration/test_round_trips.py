"""How many round trips a unit of work costs, and that saving them changes no meaning (contract C10, ADR 0011)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Integer, column, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule, DataSettings, ReadOnlySessionError
from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import SERVERS, Database
from tests.faults.proxy import FaultProxy

on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)
on_postgresql = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)
on_mysql = pytest.mark.parametrize("database", SERVERS[1:], indirect=True)

Work = Callable[[AsyncSession, Database], Awaitable[Any]]


async def read(session: AsyncSession, database: Database) -> None:
    await session.execute(select(database.notes).where(database.notes.c.id == 1))


async def write(session: AsyncSession, database: Database) -> None:
    await session.execute(insert(database.notes))


async def read_and_write(session: AsyncSession, database: Database) -> None:
    await read(session, database)
    await session.execute(update(database.notes).where(database.notes.c.id == 1).values(text=None))


async def nothing(session: AsyncSession, database: Database) -> None:
    pass


async def spent(proxy: FaultProxy, data: DataModule, database: Database, work: Work) -> int:
    """The round trips of one session of this work on a hot connection that knows its statements."""
    for _ in range(2):
        before = proxy.round_trips
        async with data.session() as session:
            await work(session, database)
    return proxy.round_trips - before


COSTS = {"postgresql": {nothing: 0, read: 1, write: 3, read_and_write: 4}, "mysql": {nothing: 0, read: 2, write: 2}}
CASES = [
    pytest.param(kind, work, cost, id=f"{kind}-{work.__name__}", marks=getattr(pytest.mark, kind))
    for kind, costs in COSTS.items()
    for work, cost in costs.items()
]


@pytest.mark.parametrize(("database", "work", "cost"), CASES, indirect=["database"])
async def test_a_unit_of_work_costs(database: Database, proxy: FaultProxy, work: Work, cost: int) -> None:
    async with database.module() as data:
        assert await spent(proxy, data, database, work) == cost


@on_postgresql
async def test_a_connection_knows_the_statements_of_a_real_application(database: Database, proxy: FaultProxy) -> None:
    """At SQLAlchemy's size of the cache, 100, each of 400 statements would cost three round trips each time."""
    notes = database.notes
    statements = [select(notes.c.id.label(f"id_{number}")).where(notes.c.id == 1) for number in range(400)]

    async def run_all(session: AsyncSession, _: Database) -> None:
        for statement in statements:
            await session.execute(statement)

    async with database.module(pool_size=1, pool_pre_ping_idle=PATIENCE) as data:
        assert await spent(proxy, data, database, run_all) == 400


async def call(session: AsyncSession, database: Database) -> None:
    await session.execute(text("SELECT version()"))


async def lock(session: AsyncSession, database: Database) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(1)"))


@on_postgresql
@pytest.mark.parametrize(("work", "cost"), [(read, 1), (call, 3), (lock, 3)])
async def test_a_read_only_profile_reads_in_one_round_trip(
    database: Database, proxy: FaultProxy, work: Work, cost: int
) -> None:
    async with database.module(read_only=True) as data:
        assert await spent(proxy, data, database, work) == cost


@on_postgresql
@pytest.mark.parametrize(("work", "cost"), [(read, 1), (call, 3)])
async def test_a_read_only_session_of_a_profile_that_writes(
    database: Database, proxy: FaultProxy, work: Work, cost: int
) -> None:
    async with database.module() as data:
        for _ in range(2):
            before = proxy.round_trips
            async with data.session(read_only=True) as session:
                await work(session, database)
        assert proxy.round_trips - before == cost


@on_postgresql
@pytest.mark.parametrize("sql", ["SELECT nextval('{0}_id_seq')", "SELECT setval('{0}_id_seq', 9)"])
async def test_a_read_only_profile_is_refused_writes_by_the_server(database: Database, sql: str) -> None:
    async with database.module(read_only=True) as data:
        with pytest.raises(ReadOnlySessionError):
            async with data.session() as session:
                await session.execute(text(sql.format(database.notes.name)))


TEXTS = {
    "text": lambda _: text("SELECT 1"),
    "text with columns": lambda _: text("SELECT 1 AS one").columns(column("one", Integer)),
    "objects from text": lambda database: select(database.mapped()).from_statement(text("SELECT 1 AS id, '' AS text")),
}


@on_postgresql
@pytest.mark.parametrize("statement", TEXTS)
async def test_text_begins_a_transaction(database: Database, proxy: FaultProxy, statement: str) -> None:
    text_of_ones_own = TEXTS[statement](database)

    async def run(session: AsyncSession, _: Database) -> None:
        await session.execute(text_of_ones_own)

    async with database.module() as data:
        assert await spent(proxy, data, database, run) == 3


@on_postgresql
async def test_objects_are_read_in_one_round_trip(database: Database, proxy: FaultProxy) -> None:
    notes = select(database.mapped())

    async def run(session: AsyncSession, _: Database) -> None:
        (await session.scalars(notes)).all()

    async with database.module() as data:
        assert await spent(proxy, data, database, run) == 1


@on_postgresql
@pytest.mark.parametrize(
    ("settings", "cost"),
    [
        ({"deferred_begin": False}, 3),
        ({"isolation_level": "REPEATABLE READ"}, 3),
        ({"isolation_level": "SERIALIZABLE"}, 3),
        ({"pooler": "pgbouncer"}, 4),  # prepared anew each time
    ],
)
async def test_elsewhere_a_read_begins_a_transaction(
    database: Database, proxy: FaultProxy, settings: dict[str, Any], cost: int
) -> None:
    async with database.module(**settings) as data:
        assert await spent(proxy, data, database, read) == cost


@on_postgresql
async def test_so_it_does_where_the_server_promises_one_snapshot(database: Database, proxy: FaultProxy) -> None:
    level = {"server_settings": {"default_transaction_isolation": "repeatable read"}}
    async with database.module(connect_args=level) as data:
        assert await spent(proxy, data, database, read) == 3


async def one_snapshot(session: AsyncSession, database: Database) -> list[int]:
    """What two counts of one session see when another connection adds a note between them."""
    count = select(func.count(database.notes.c.id))
    first = await session.scalar(count)
    await database.run(f"INSERT INTO {database.notes.name} DEFAULT VALUES")
    return [first, await session.scalar(count)]


@on_postgresql
async def test_a_session_may_still_ask_for_one_snapshot(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})

        assert await one_snapshot(session, database) == [0, 0]


BEGINNINGS: dict[str, Callable[[Database], Any]] = {
    "insert": lambda database: database.note("a"),
    "text": lambda database: text(f"INSERT INTO {database.notes.name} (text) VALUES ('a')"),
    "a CTE that writes": lambda database: select(database.note("a").returning(database.notes.c.id).cte()),
    "text in a SELECT": lambda database: select(text("1")).select_from(
        text(f"(WITH w AS (INSERT INTO {database.notes.name} (text) VALUES ('a') RETURNING 1) SELECT 1 FROM w) AS q")
    ),
}


@on_postgresql
@pytest.mark.parametrize("statement", [key for key in BEGINNINGS if key != "text in a SELECT"])
@pytest.mark.parametrize("reads_first", [False, True])
async def test_a_write_is_rolled_back_whatever_came_before_it(
    database: Database, statement: str, reads_first: bool
) -> None:
    async with database.module() as data:
        with pytest.raises(ZeroDivisionError):
            async with data.session() as session:
                if reads_first:
                    await read(session, database)
                await session.execute(BEGINNINGS[statement](database))
                await read(session, database)
                raise ZeroDivisionError

    assert await database.stored() == []


@on_postgresql
async def test_many_rows_at_once_are_rolled_back(database: Database) -> None:
    async with database.module() as data:
        with pytest.raises(IntegrityError):
            async with data.session() as session:
                await read(session, database)
                await session.execute(insert(database.notes), [{"text": "a"}, {"text": "b"}, {"text": "a"}])

    assert await database.stored() == []


@on_postgresql
async def test_a_savepoint_after_a_read_is_one(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        await read(session, database)
        with pytest.raises(ZeroDivisionError):
            async with session.begin_nested():
                await session.execute(database.note("lost"))
                raise ZeroDivisionError
        await session.execute(database.note("kept"))

    assert await database.stored() == ["kept"]


@on_postgresql
async def test_a_lock_holds_until_the_end(database: Database) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (id) VALUES (1)")
    locked = select(database.notes).with_for_update(nowait=True)

    async with database.module() as data, data.session() as session:
        await read(session, database)
        await session.execute(locked)

        with pytest.raises(DBAPIError, match="could not obtain lock"):
            async with data.session() as other:
                await other.execute(locked)


@on_postgresql
async def test_a_stream_has_its_transaction(database: Database) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (text) VALUES ('a'), ('b')")

    async with database.module() as data, data.session() as session:
        rows = await session.stream(select(database.notes.c.text).order_by(database.notes.c.text))

        assert [row.text async for row in rows] == ["a", "b"]


@on_postgresql
async def test_an_explicit_begin_is_one_transaction(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        with pytest.raises(ZeroDivisionError):
            async with session.begin():
                await read(session, database)
                await session.execute(database.note("a"))
                raise ZeroDivisionError

    assert await database.stored() == []


@on_postgresql
async def test_what_is_read_later_is_what_others_have_committed(database: Database) -> None:
    async with database.module() as data, data.session() as session:
        assert await one_snapshot(session, database) == [0, 1]


@on_postgresql
async def test_a_cancelled_read_leaves_the_connection_as_it_was(database: Database) -> None:
    async with database.relayed() as relay, database.module(pool_size=1) as data:
        with pytest.raises(TimeoutError):
            async with data.session() as session:
                await read(session, database)
                relay.lose_answers(then=deadline_of(PATIENCE))
                async with asyncio.timeout(PATIENCE):
                    await read(session, database)
        relay.heal()
        with pytest.raises(ZeroDivisionError):
            async with data.session() as session:
                await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES ('a')"))
                raise ZeroDivisionError

        assert (await database.stored(), data.pool_status().checked_out) == ([], 0)


@on_postgresql
async def test_a_failed_read_leaves_the_connection_as_it_was(database: Database) -> None:
    bad = select(database.notes).where(database.notes.c.text.op("/")(1) == 1)
    async with database.module(pool_size=1) as data:
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(bad)
        connection = await data.get_engine().connect()
        raw = await connection.get_raw_connection()
        at_rest = raw.dbapi_connection.autocommit  # type: ignore[union-attr]  # it is connected
        await connection.close()

    assert at_rest is False


@on_postgresql
async def test_two_profiles_keep_their_own(database: Database) -> None:
    profiles = {"main": database.settings(), "other": database.settings()}
    async with DataModule(settings=DataSettings(default="main", profiles=profiles)) as data:
        with pytest.raises(ZeroDivisionError):
            async with data.session("main") as main, data.session("other") as other:
                await read(other, database)
                await main.execute(database.note("a"))
                await read(other, database)
                raise ZeroDivisionError

    assert await database.stored() == []


@on_mysql
async def test_a_read_only_profile_of_mysql_sends_no_beginning(database: Database, proxy: FaultProxy) -> None:
    async with database.module(read_only=True) as data:
        assert await spent(proxy, data, database, read) == 2
        with pytest.raises(ReadOnlySessionError):
            async with data.session() as session:
                await write(session, database)


@on_mysql
async def test_a_statement_that_failed_is_rolled_back_before_the_next_user(database: Database) -> None:
    await database.run(f"INSERT INTO {database.notes.name} (text) VALUES ('a')")
    async with database.module(pool_size=1) as data:
        with pytest.raises(IntegrityError):
            async with data.session() as session:
                await session.execute(database.note("a"))  # leaves a lock on the row that is there
        await database.run("SET innodb_lock_wait_timeout = 1", f"UPDATE {database.notes.name} SET text = 'b'")

    assert await database.stored() == ["b"]


@on_mysql
async def test_a_write_behind_a_result_is_committed(database: Database) -> None:
    name = f"both_{database.notes.name}"
    await database.run(
        f"CREATE PROCEDURE {name}() BEGIN SELECT 1; INSERT INTO {database.notes.name} (text) VALUES ('a'); END"
    )
    async with database.module() as data, data.session() as session:
        await session.execute(text(f"CALL {name}()"))
    await database.run(f"DROP PROCEDURE {name}")

    assert await database.stored() == ["a"]


@on_mysql
async def test_a_read_ends_its_snapshot(database: Database) -> None:
    async with database.module(pool_size=1) as data:
        for _ in range(2):
            async with data.session() as session:
                found = await database.texts(session)
            await database.run(f"INSERT INTO {database.notes.name} (text) VALUES ('a') ON DUPLICATE KEY UPDATE id = id")

    assert found == ["a"]
