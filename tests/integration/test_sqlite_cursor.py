"""A SQLite cursor reads ahead, unnoticed: rows, numbers and errors come as sqlite3 gives them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.sqlite.cursor import PREFETCH
from tests.asyncio_servers import PATIENCE
from tests.sqlite_files import database_with_counter, increment, opened

MANY = 10 * PREFETCH
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT seen(i) FROM n"


class Seen:
    """A function of the database that notes what it is asked for, and may fail there.

    Attributes:
        numbers: what it was asked for.
        fails_at: the number that it raises at.
        tells_at: the number whose event is set.
    """

    def __init__(self, fails_at: int = 0, tells_at: int = 0) -> None:
        self.numbers: list[int] = []
        self.fails_at = fails_at
        self.tells_at = tells_at
        self.told = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, number: int) -> int:
        self.numbers.append(number)
        if number == self.tells_at:
            self._loop.call_soon_threadsafe(self.told.set)
        if number == self.fails_at:
            raise ValueError(number)
        return number


async def teach(connection: AsyncConnection, seen: Seen) -> Any:
    """Give a connection the function; the driver's connection."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.create_function("seen", 1, seen)
    return driver


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database_with_counter(tmp_path)


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    async with opened(path, pool_timeout=PATIENCE) as engine:
        yield engine


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        yield connection


@pytest.fixture
async def driver(connection: AsyncConnection) -> Any:
    return await teach(connection, Seen())


def stored(path: Path) -> int:
    """The counter, asked by another connection."""
    with closing(sqlite3.connect(path)) as other:
        return int(other.execute("SELECT value FROM counter").fetchone()[0])


# -- rows ------------------------------------------------------------------------------------------------------

LENGTHS = pytest.mark.parametrize("count", [1, PREFETCH - 1, PREFETCH, PREFETCH + 1, 3 * PREFETCH, MANY + 7])


@LENGTHS
async def test_every_row_comes_once(connection: AsyncConnection, driver: Any, count: int) -> None:
    assert (await connection.scalars(text(NUMBERS.format(count)))).all() == list(range(1, count + 1))


@LENGTHS
async def test_every_row_is_streamed_once(connection: AsyncConnection, driver: Any, count: int) -> None:
    rows = await connection.stream_scalars(text(NUMBERS.format(count)))

    assert [row async for row in rows] == list(range(1, count + 1))


@LENGTHS
async def test_the_cursor_of_the_driver_gives_them_in_every_way(driver: Any, count: int) -> None:
    wanted = [(number,) for number in range(1, count + 1)]
    async with driver.cursor() as cursor:
        await cursor.execute(NUMBERS.format(count))
        first = [await cursor.fetchone(), *(await cursor.fetchmany()), *(await cursor.fetchmany(PREFETCH + 3))]
        rest = await cursor.fetchall()
        after = (await cursor.fetchone(), await cursor.fetchmany(3), await cursor.fetchall())
        again = [row async for row in await cursor.execute(NUMBERS.format(count))]

    assert ([*first, *rest], after, again) == (wanted, (None, [], []), wanted)


async def test_streaming_reads_no_more_than_a_bunch_ahead(connection: AsyncConnection) -> None:
    await teach(connection, seen := Seen())

    async with connection.stream(text(NUMBERS.format(MANY))) as rows:
        await rows.fetchone()

    assert len(seen.numbers) <= PREFETCH + 1


async def test_a_cursor_is_made_with_await_too(driver: Any) -> None:
    cursor = await driver.cursor()
    await cursor.execute("SELECT 1")

    assert await cursor.fetchone() == (1,)


async def test_a_stream_that_is_left_early_lets_go_of_the_table(connection: AsyncConnection) -> None:
    """While a SELECT on it is open, a table cannot be dropped."""
    await connection.execute(text("CREATE TABLE passing AS " + NUMBERS.format(MANY).replace("seen(i)", "i")))
    async with connection.stream(text("SELECT * FROM passing")) as rows:
        await rows.fetchone()
        with pytest.raises(OperationalError, match="locked"):
            await connection.execute(text("DROP TABLE passing"))

    await connection.execute(text("DROP TABLE passing"))


# -- numbers ---------------------------------------------------------------------------------------------------


async def test_what_a_cursor_tells_of_its_statement_is_right_after_its_end(driver: Any) -> None:
    async with driver.cursor() as select, driver.cursor() as insert, driver.cursor() as many:
        before = (select.description, select.rowcount, select.lastrowid, select.arraysize)
        await select.execute("SELECT value AS a, 2 AS b FROM counter")
        await insert.execute("INSERT INTO counter VALUES (?)", (5,))
        await many.executemany("UPDATE counter SET value = ?", [(1,), (2,)])

    assert before == (None, -1, None, 1)
    assert [column[0] for column in select.description] == ["a", "b"]
    assert (insert.description, insert.rowcount, insert.lastrowid) == (None, 1, 2)
    assert (many.description, many.rowcount) == (None, 4)


async def test_what_is_returned_by_a_write_comes_with_its_count(connection: AsyncConnection, driver: Any) -> None:
    await connection.execute(text("INSERT INTO parent " + NUMBERS.format(MANY)))
    async with driver.cursor() as cursor:
        await cursor.execute("DELETE FROM parent RETURNING id")
        deleted = await cursor.fetchall()

    assert (len(deleted), cursor.rowcount) == (MANY, MANY)


async def test_a_closed_cursor_refuses_work(driver: Any) -> None:
    cursor = driver.cursor()
    await cursor.execute("SELECT 1")
    await cursor.close()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        await cursor.execute("SELECT 1")


async def test_a_cursor_can_be_closed_after_its_connection(driver: Any) -> None:
    used, unused = driver.cursor(), driver.cursor()
    await used.execute("SELECT 1")
    await driver.close()

    await used.close()
    await unused.close()


async def test_a_cursor_that_runs_again_forgets_the_rows_before(driver: Any) -> None:
    async with driver.cursor() as cursor:
        await cursor.execute(NUMBERS.format(3))
        await cursor.execute("SELECT 7")

        assert await cursor.fetchall() == [(7,)]


# -- errors ----------------------------------------------------------------------------------------------------

PLACES = pytest.mark.parametrize("place", [2, 3, PREFETCH + 5])
"""Rows that cannot be read; not the first, whose failure is the statement's."""


@PLACES
async def test_rows_before_one_that_fails_are_streamed(connection: AsyncConnection, place: int) -> None:
    await teach(connection, Seen(fails_at=place))
    got: list[int] = []

    with pytest.raises(OperationalError, match="user-defined function"):
        async with connection.stream_scalars(
            text(NUMBERS.format(MANY)), execution_options={"max_row_buffer": 1}
        ) as rows:
            async for row in rows:
                got.append(row)  # noqa: PERF401 - a comprehension would lose them

    assert got == list(range(1, place - 1))  # sqlite3 loses the row before as well: it looks for the next one first


@PLACES
async def test_a_result_with_a_row_that_fails_fails_whole_and_leaves_the_transaction_usable(
    connection: AsyncConnection, path: Path, place: int
) -> None:
    await teach(connection, Seen(fails_at=place))
    with pytest.raises(OperationalError, match="user-defined function"):
        await connection.execute(text(NUMBERS.format(MANY)))

    await increment(connection)
    await connection.commit()
    assert stored(path) == 1


async def test_a_row_that_no_text_can_be_made_of_fails_when_its_turn_comes(driver: Any) -> None:
    async with driver.cursor() as cursor:
        await cursor.execute("SELECT 'first' UNION ALL SELECT CAST(x'ff' AS TEXT)")
        first = await cursor.fetchone()
        with pytest.raises(sqlite3.OperationalError, match="decode"):
            await cursor.fetchone()

    assert first == ("first",)


async def test_a_cancelled_fetch_is_interrupted_and_frees_the_file(engine: AsyncEngine, path: Path) -> None:
    """The statement runs on in a message after its first: reading the rest of its rows."""
    seen = Seen(tells_at=PREFETCH + 50)

    async def read() -> None:
        async with engine.begin() as connection:
            await teach(connection, seen)
            await increment(connection)
            await connection.execute(text(NUMBERS.format(1_000_000_000)))

    task = asyncio.create_task(read())
    await seen.told.wait()
    task.cancel()
    await asyncio.wait([task])
    async with engine.begin() as connection:
        await increment(connection)

    assert task.cancelled()
    assert stored(path) == 1
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a queue pool


async def test_a_connection_closes_with_a_cursor_that_was_read_in_part(engine: AsyncEngine, path: Path) -> None:
    """A statement that is still held would keep the file open, and its last journal in the way."""
    async with engine.connect() as connection:
        driver = await teach(connection, Seen())
        cursor = driver.cursor()
        await cursor.execute(
            NUMBERS.format(MANY).replace("SELECT seen(i) FROM n", "SELECT seen(i), value FROM n, counter")
        )
        await connection.invalidate()

    assert cursor.rowcount == -1  # it is alive
    assert [file.name for file in path.parent.iterdir()] == [path.name]
