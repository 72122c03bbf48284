"""SQLite: what a session changes of its connection's state ends with it, and what has no effect is not ignored (C9)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule
from myfy_data.errors import SessionError
from tests.sqlite_ends import driver_of, file_connection, items, on_thread, stored

ORPHAN = "INSERT INTO child VALUES (99)"


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataModule]:
    """A module with one connection, whose file has a child that needs a parent."""
    async with items(tmp_path) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
            await session.execute(text("CREATE TABLE child (parent_id INTEGER REFERENCES parent (id))"))
        yield data


async def in_autocommit(session: AsyncSession) -> Any:
    """The driver's connection of a session that begins no transaction."""
    await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return await driver_of(session)


def says(statement: str) -> Callable[[AsyncSession], Awaitable[object]]:
    async def work(session: AsyncSession) -> None:
        await in_autocommit(session)
        await session.execute(text(statement))

    return work


async def by_the_driver(session: AsyncSession) -> None:
    await (await in_autocommit(session)).execute("PRAGMA foreign_keys = OFF")


async def by_fetchall(session: AsyncSession) -> None:
    await (await in_autocommit(session)).execute_fetchall("PRAGMA foreign_keys(0)")


async def by_a_script(session: AsyncSession) -> None:
    await (await in_autocommit(session)).executescript("SELECT 1; PRAGMA main.foreign_keys = no")


async def by_sqlite3_itself(session: AsyncSession) -> None:
    file_connection(await in_autocommit(session)).execute("PRAGMA foreign_keys = false")


async def by_a_dbapi_cursor(session: AsyncSession) -> None:
    await in_autocommit(session)
    await session.run_sync(lambda sync: sync.connection().connection.cursor().execute("PRAGMA foreign_keys=0"))


async def by_configuration(session: AsyncSession) -> None:
    file_connection(await driver_of(session)).setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY, False)


async def by_an_authorizer(session: AsyncSession) -> None:
    await (await in_autocommit(session)).set_authorizer(lambda *_: sqlite3.SQLITE_DENY)


async def by_deserializing(session: AsyncSession) -> None:
    driver = await in_autocommit(session)
    other = sqlite3.connect(":memory:")
    other.execute("CREATE TABLE child (parent_id INTEGER)")
    content = other.serialize()
    other.close()
    await on_thread(driver, file_connection(driver).deserialize, content)


DOORS = {
    "text": says("PRAGMA foreign_keys = OFF"),
    "comment": says("/* maintenance */ pragma foreign_keys=off"),
    "explain": says("EXPLAIN PRAGMA foreign_keys = off"),
    "driver": by_the_driver,
    "fetchall": by_fetchall,
    "script": by_a_script,
    "sqlite3": by_sqlite3_itself,
    "dbapi cursor": by_a_dbapi_cursor,
    "authorizer": by_an_authorizer,
    "deserialize": by_deserializing,
}
if hasattr(sqlite3.Connection, "setconfig"):  # from Python 3.12 on
    DOORS["configuration"] = by_configuration


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
async def test_foreign_keys_hold_in_the_next_session(data: DataModule, door: Any) -> None:
    async with data.session() as session:
        await door(session)
    with pytest.raises(IntegrityError):
        async with data.session() as session:
            await session.execute(text(ORPHAN))


PRAGMAS = {
    "query_only": "ON",
    "busy_timeout": "1",
    "synchronous": "OFF",
    "journal_mode": "delete",
    "ignore_check_constraints": "ON",
    "read_uncommitted": "ON",
    "recursive_triggers": "ON",
    "writable_schema": "ON",
    "max_page_count": "100",
    "cache_size": "7",
    "cell_size_check": "ON",
    "temp_store": "MEMORY",
    "locking_mode": "EXCLUSIVE",
    "reverse_unordered_selects": "ON",
}


@pytest.mark.parametrize("pragma", PRAGMAS)
async def test_every_pragma_ends_with_its_session(data: DataModule, pragma: str) -> None:
    async def value() -> object:
        async with data.session() as session:
            return await session.scalar(text(f"PRAGMA {pragma}"))

    before = await value()
    async with data.session() as session:
        await in_autocommit(session)
        await session.execute(text(f"PRAGMA {pragma} = {PRAGMAS[pragma]}"))
        changed = await session.scalar(text(f"PRAGMA {pragma}"))

    assert changed != before
    assert await value() == before


async def test_a_database_that_was_attached_is_gone_in_the_next_session(data: DataModule, tmp_path: Path) -> None:
    async with data.session() as session:
        await session.execute(text(f"ATTACH '{tmp_path}/other.db' AS other"))
        await session.execute(text("CREATE TABLE other.kept (id INTEGER)"))
    async with data.session() as session:
        names = [row[1] for row in await session.execute(text("PRAGMA database_list"))]

    assert names == ["main"]


async def test_a_pragma_that_asks_costs_no_connection(data: DataModule) -> None:
    async with data.session() as session:
        driver = await driver_of(session)
        for question in ("table_info('child')", "foreign_keys", "user_version = 7", "optimize"):
            await session.execute(text(f"PRAGMA {question}"))
        await session.run_sync(lambda sync: inspect(sync.connection()).get_foreign_keys("child"))
    async with data.session() as session:
        assert await driver_of(session) is driver


async def test_a_pragma_of_a_connect_listener_is_the_engines(tmp_path: Path) -> None:
    """Told to each new connection, it is no session's."""

    def tune(_profile: str, engine: Any) -> None:
        event.listen(
            engine.sync_engine, "connect", lambda connection, _: connection.cursor().execute("PRAGMA cache_size = 77")
        )

    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db", pool_size=1, max_overflow=0)
    async with DataModule(settings=settings, on_engine=tune) as data:
        seen = []
        for _ in range(2):
            async with data.session() as session:
                seen.append((await driver_of(session), await session.scalar(text("PRAGMA cache_size"))))

    assert [size for _, size in seen] == [77, 77]
    assert seen[0][0] is seen[1][0]


# -- inside a transaction, where SQLite ignores it -------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    "statement", ["PRAGMA foreign_keys = OFF", "pragma foreign_keys(no)", "EXPLAIN PRAGMA foreign_keys=0"]
)
async def test_foreign_keys_are_not_ignored_in_silence(data: DataModule, statement: str, read_only: bool) -> None:
    with pytest.raises(SessionError, match=r"(?s)ignores PRAGMA foreign_keys.*AUTOCOMMIT"):
        async with data.session(read_only=read_only) as session:
            await session.execute(text(statement))


async def test_what_changes_nothing_may_be_said(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("PRAGMA foreign_keys = ON"))
        await session.execute(text("INSERT INTO item VALUES (1)"))

    assert await stored(data) == [1]


async def test_checks_may_wait_for_the_commit(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("PRAGMA defer_foreign_keys = ON"))
        await session.execute(text(ORPHAN))
        await session.execute(text("INSERT INTO parent VALUES (99)"))
    with pytest.raises(IntegrityError):
        async with data.session() as session:
            await session.execute(text("INSERT INTO child VALUES (98)"))


async def test_a_pragma_beside_a_stream_disturbs_it_not(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(text("INSERT INTO item VALUES (:id)"), [{"id": number} for number in range(1000)])
        stream = await session.stream_scalars(text("SELECT id FROM item ORDER BY id"))
        first = await anext(stream)
        await (await driver_of(session)).execute_fetchall("PRAGMA table_info('item')")
        rest = [number async for number in stream]

    assert [first, *rest] == list(range(1000))


async def test_an_authorizer_of_the_users_is_asked_for_pragmas_too(data: DataModule) -> None:
    def deny(action: int, name: str | None, *_: object) -> int:
        return sqlite3.SQLITE_DENY if (action, name) == (sqlite3.SQLITE_PRAGMA, "user_version") else sqlite3.SQLITE_OK

    async with data.session() as session:
        await (await driver_of(session)).set_authorizer(deny)
        with pytest.raises(DBAPIError, match="not authorized"):
            await session.execute(text("PRAGMA user_version"))


# -- read-only sessions ----------------------------------------------------------------------------------------

WRITE = "INSERT INTO item VALUES (1)"


async def of_sqlite3(driver: Any) -> None:
    file_connection(driver).execute(WRITE)


async def of_a_cursor_of_sqlite3(driver: Any) -> None:
    file_connection(driver).cursor().executemany("INSERT INTO item VALUES (?)", [(1,)])


async def to_a_blob(driver: Any) -> None:
    await on_thread(driver, lambda: file_connection(driver).blobopen("big", "content", 1).write(b"x"))


async def after_opening(driver: Any) -> None:
    with suppress(SessionError):
        await driver.execute("PRAGMA query_only = OFF")
    await driver.execute(WRITE)


WRITES: dict[str, Callable[[Any], Awaitable[object]]] = {
    "execute": lambda driver: driver.execute(WRITE),
    "fetchall": lambda driver: driver.execute_fetchall(f"{WRITE} RETURNING id"),
    "insert": lambda driver: driver.execute_insert(WRITE),
    "executemany": lambda driver: driver.executemany("INSERT INTO item VALUES (?)", [(1,)]),
    "script": lambda driver: driver.executescript(f"SELECT 1; {WRITE};"),
    "script that opens": lambda driver: driver.executescript(f"PRAGMA query_only = OFF; {WRITE};"),
    "script that ends": lambda driver: driver.executescript(f"COMMIT; PRAGMA query_only = OFF; {WRITE};"),
    "cursor": lambda driver: driver.cursor().execute(WRITE),
    "sqlite3": of_sqlite3,
    "cursor of sqlite3": of_a_cursor_of_sqlite3,
    "blob": to_a_blob,
    "pragma": after_opening,
    "user version": lambda driver: driver.execute("PRAGMA user_version = 5"),
    "temporary table": lambda driver: driver.execute("CREATE TEMP TABLE t (id INTEGER)"),
    "vacuum": lambda driver: driver.execute("VACUUM"),
}


@pytest.mark.parametrize("level", ["SERIALIZABLE", "AUTOCOMMIT"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_read_only_session_writes_by_no_door(data: DataModule, write: Any, level: str) -> None:
    """Each is the first thing that its session does."""
    async with data.session() as session:
        await session.execute(text("INSERT INTO big VALUES (zeroblob(10))"))
    async with data.session(read_only=True) as session:
        await session.connection(execution_options={"isolation_level": level})
        with pytest.raises((sqlite3.Error, SessionError)):
            await write(await driver_of(session))
        await session.rollback()

    assert await stored(data) == []


@pytest.mark.parametrize(
    "statement", ["PRAGMA query_only = OFF", "pragma query_only(0)", "EXPLAIN PRAGMA query_only=no"]
)
async def test_a_read_only_session_cannot_be_opened(data: DataModule, statement: str) -> None:
    async with data.session(read_only=True) as session:
        with pytest.raises(SessionError, match="read-only"):
            await session.execute(text(statement))


async def test_a_read_only_session_attaches_what_it_cannot_write(data: DataModule, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE kept (id INTEGER)")
    other.close()
    async with data.session(read_only=True) as session:
        await session.execute(text(f"ATTACH 'file:{tmp_path}/other.db?mode=ro' AS other".replace(":", r"\:")))

        assert (await session.execute(text("SELECT count(*) FROM other.kept"))).scalar_one() == 0


async def test_a_read_only_session_creates_no_file_by_attaching(data: DataModule, tmp_path: Path) -> None:
    async with data.session(read_only=True) as session:
        for statement, parameters in (
            (f"ATTACH '{tmp_path}/new.db' AS new", {}),
            ("ATTACH :path AS new", {"path": str(tmp_path / "new.db")}),
        ):
            with pytest.raises(SessionError, match="mode=ro"):
                await session.execute(text(statement), parameters)

    assert not (tmp_path / "new.db").exists()
