"""A session that has only read steps aside for one that writes, and keeps its snapshot (ADR 22)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from myfy_data import DatabaseSettings, DataModule, retrying
from myfy_data.engines.pool.errors import SelfDeadlock
from myfy_data.engines.sqlite import write_queue
from myfy_data.engines.sqlite.write_queue import writer_queue
from myfy_data.errors import TransactionEndedError
from myfy_data.retry.classify import Verdict, verdict_of

ADD_ONE = text("UPDATE item SET value = value + 1")
VALUE = text("SELECT sum(value) FROM item")


class Base(DeclarativeBase):
    """The tables."""


class Item(Base):
    """A number."""

    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


@pytest.fixture
async def data(path: Path) -> AsyncIterator[DataModule]:
    """A module whose table holds one number, 0."""
    async with module(path) as data:
        yield data


def module(path: Path, **settings: Any) -> DataModule:
    settings = {"database_url": f"sqlite:///{path}", "pool_timeout": 20.0} | settings
    return DataModule(settings=DatabaseSettings(**settings), auto_create_tables=True, metadata=Base.metadata)


@pytest.fixture(autouse=True)
def _at_once_or_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one task, no transaction has to be idle for a time."""
    monkeypatch.setattr(write_queue, "IDLE_GRACE", 3600.0)


@pytest.fixture(autouse=True)
async def one_row(data: DataModule) -> None:
    async with data.session() as session:
        session.add(Item(id=1, value=0))


async def value(session: AsyncSession) -> int:
    return int(await session.scalar(VALUE))


async def add_one(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(ADD_ONE)


async def stored(data: DataModule) -> int:
    async with data.session(read_only=True) as session:
        return await value(session)


async def driver_of(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


# -- a task with several sessions ----------------------------------------------------------------------------------


async def test_a_second_session_of_a_task_writes_while_the_first_has_only_read(data: DataModule) -> None:
    async with data.session() as outer:
        before = await value(outer)
        await add_one(data)
        after = await value(outer)

    assert (before, after, await stored(data)) == (0, 0, 1)


async def test_a_third_one_does_as_well(data: DataModule) -> None:
    async with data.session() as first:
        await value(first)
        async with data.session() as second:
            await value(second)
            await add_one(data)
            seen = await value(first), await value(second)

    assert seen == (0, 0)
    assert await stored(data) == 1


async def test_an_object_that_was_read_is_loaded_further_in_its_snapshot(data: DataModule) -> None:
    async with data.session() as outer:
        item = await outer.get_one(Item, 1)
        await add_one(data)
        await outer.refresh(item)

        assert item.value == 0


async def test_a_page_and_its_count_are_read_beside_a_session_that_writes(data: DataModule) -> None:
    async with data.session() as outer:
        page = (await outer.scalars(select(Item).limit(10))).all()
        async with data.session() as inner:
            inner.add(Item(value=5))
        count = len((await outer.scalars(select(Item))).all())

    assert (len(page), count) == (1, 1)


async def test_what_was_read_before_another_wrote_is_never_written_over(data: DataModule) -> None:
    with pytest.raises(TransactionEndedError, match="has changed since") as caught:
        async with data.session() as outer:
            item = await outer.get_one(Item, 1)
            await add_one(data)
            item.value += 10

    assert verdict_of(caught.value) is Verdict.CONFLICT
    assert await stored(data) == 1


async def test_a_session_that_is_out_of_date_is_over_until_it_is_rolled_back(data: DataModule) -> None:
    async with data.session() as outer:
        await value(outer)
        await add_one(data)
        for _ in range(2):
            with pytest.raises(TransactionEndedError):
                await outer.execute(ADD_ONE)
        with pytest.raises(TransactionEndedError):
            await value(outer)
        await outer.rollback()
        await outer.execute(ADD_ONE)

    assert await stored(data) == 2


async def test_it_is_run_again_by_retrying(data: DataModule) -> None:
    runs = 0
    async for attempt in retrying(data):
        async with attempt as session:
            runs += 1
            item = await session.get_one(Item, 1)
            if runs == 1:
                await add_one(data)
            item.value += 10

    assert (runs, await stored(data)) == (2, 11)


async def test_a_snapshot_that_is_still_right_goes_on_to_write(data: DataModule) -> None:
    async with data.session() as outer:
        item = await outer.get_one(Item, 1)
        async with data.session() as inner:
            await value(inner)
        async with data.session() as inner:
            await inner.execute(ADD_ONE)
            await inner.rollback()
        item.value += 10

    assert await stored(data) == 10


async def test_what_goes_on_to_write_may_read_and_step_aside_before(data: DataModule) -> None:
    async with data.session() as outer:
        for _ in range(3):
            await value(outer)
            async with data.session() as inner:
                await value(inner)
        await outer.execute(ADD_ONE)

    assert await stored(data) == 1


# -- every API -----------------------------------------------------------------------------------------------------


async def by_flush(session: AsyncSession) -> None:
    session.add(Item(value=1))
    await session.flush()


async def by_returning(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO item (value) VALUES (1) RETURNING id"))


async def by_cte(session: AsyncSession) -> None:
    await session.execute(text("WITH n AS (SELECT 1 AS i) INSERT INTO item (value) SELECT i FROM n"))


async def by_many(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO item (value) VALUES (:value)"), [{"value": 1}, {"value": 0}])


async def by_driver(session: AsyncSession) -> None:
    await (await driver_of(session)).execute("INSERT INTO item (value) VALUES (1)")


async def by_driver_and_generator(session: AsyncSession) -> None:
    await (await driver_of(session)).executemany("INSERT INTO item (value) VALUES (?)", ((i,) for i in (1, 0)))


async def by_cursor_and_generator(session: AsyncSession) -> None:
    cursor = await (await driver_of(session)).cursor()
    await cursor.executemany("INSERT INTO item (value) VALUES (?)", ((i,) for i in (1, 0)))


async def by_script(session: AsyncSession) -> None:
    await (await driver_of(session)).executescript("SELECT 1; INSERT INTO item (value) VALUES (1)")


async def by_run_sync(session: AsyncSession) -> None:
    def work(inner: Session) -> None:
        inner.connection().connection.cursor().execute("INSERT INTO item (value) VALUES (1)")

    await session.run_sync(work)


async def by_table(session: AsyncSession) -> None:
    await session.execute(text("CREATE TABLE made AS SELECT 1 AS value"))
    await session.execute(text("INSERT INTO item (value) SELECT value FROM made"))


async def by_pragma(session: AsyncSession) -> None:
    await session.execute(text("PRAGMA user_version = 7"))
    await session.execute(text("INSERT INTO item (value) VALUES (1)"))


async def by_temporary_table(session: AsyncSession) -> None:
    await session.execute(text("CREATE TEMP TABLE made (value)"))
    await session.execute(text("INSERT INTO item (value) VALUES (1)"))


async def by_savepoint(session: AsyncSession) -> None:
    async with session.begin_nested():
        await session.execute(text("INSERT INTO item (value) VALUES (1)"))


Write = Callable[[AsyncSession], Awaitable[None]]
DOORS = [
    by_flush,
    by_returning,
    by_cte,
    by_many,
    by_driver,
    by_driver_and_generator,
    by_cursor_and_generator,
    by_script,
    by_run_sync,
    by_table,
    by_pragma,
    by_temporary_table,
    by_savepoint,
]


@pytest.mark.parametrize("write", DOORS)
async def test_by_every_door_a_write_waits_for_its_turn_again(data: DataModule, path: Path, write: Write) -> None:
    async with data.session() as outer:
        await value(outer)
        async with data.session() as inner:
            await value(inner)
        holding = await data.get_engine().connect()
        await holding.execute(ADD_ONE)
        writing = asyncio.create_task(write(outer))
        while writer_queue(str(path)).waiting == 0:
            await asyncio.sleep(0)
        await holding.close()
        await writing

    assert await stored(data) == 1


@pytest.mark.parametrize("write", DOORS)
async def test_by_every_door_a_snapshot_that_is_out_of_date_is_refused_its_writes(
    data: DataModule, write: Write
) -> None:
    with pytest.raises(TransactionEndedError):
        async with data.session() as outer:
            await value(outer)
            await add_one(data)
            await write(outer)

    assert await stored(data) == 1


@pytest.mark.parametrize("write", DOORS)
async def test_a_task_whose_session_has_written_is_told_at_once_that_it_waits_for_itself(
    data: DataModule, write: Write
) -> None:
    async with data.session() as outer:
        await write(outer)
        with pytest.raises(SelfDeadlock, match="this task waits for itself"):
            await add_one(data)

    assert await stored(data) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE made (i)",
        "CREATE TEMP TABLE made (i)",
        "DROP TABLE item",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
        "SAVEPOINT one",
        "/* a comment */ CREATE INDEX made ON item (value)",
        "ANALYZE",
    ],
)
async def test_so_is_one_whose_writes_are_not_counted_by_sqlite(data: DataModule, statement: str) -> None:
    async with data.session() as outer:
        await outer.execute(text(statement))
        with pytest.raises(SelfDeadlock):
            await add_one(data)
        await outer.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "select value from item",
        "-- a comment\nSELECT value FROM item",
        "WITH n AS (SELECT value FROM item) SELECT * FROM n",
        "VALUES (1)",
        "EXPLAIN SELECT value FROM item",
        'PRAGMA main.table_xinfo("item")',
        "PRAGMA foreign_key_list(item)",
    ],
)
async def test_one_that_has_only_asked_steps_aside(data: DataModule, statement: str) -> None:
    async with data.session() as outer:
        await outer.execute(text(statement))
        await add_one(data)

    assert await stored(data) == 1


async def test_so_is_one_that_reads_from_a_stream(data: DataModule) -> None:
    many = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n")
    async with data.session() as outer:
        stream = await outer.stream(many)
        with pytest.raises(SelfDeadlock, match="stream"):
            await add_one(data)
        rest = len(await stream.all())
        await add_one(data)

    assert (rest, await stored(data)) == (500, 1)
