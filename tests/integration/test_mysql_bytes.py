"""Bytes reach MySQL and MariaDB unchanged, by every way to hand them over (contract C9)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, PickleType, Table, insert, literal, select, text

from myfy_data import DataModule
from tests.databases import Database

on_mysql = pytest.mark.parametrize("database", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)

AWKWARD = [
    bytes(range(256)),
    b"",
    b"'; DROP TABLE x; -- \\' %s %(a)s",
    b"\xbf'\xbf\\",  # in GBK the first two are one character, and swallow what escapes the quote
    "\N{GRINNING FACE}".encode(),
    b"\0" * 100_000,
]


@pytest.fixture
def table(database: Database) -> Table:
    """A table for bytes, which the fixture's drop takes along."""
    return Table(
        f"bytes_{database.notes.name}",
        database.metadata,
        Column("id", Integer, primary_key=True),
        Column("data", LargeBinary(200_000)),
        Column("pickled", PickleType),
    )


async def made(database: Database, data: DataModule) -> None:
    await database.create(data.get_engine())


async def kept(data: DataModule, table: Table) -> list[Any]:
    async with data.session() as session:
        return list(await session.scalars(select(table.c.data).order_by(table.c.id)))


@on_mysql
@pytest.mark.parametrize("charset", ["utf8mb4", "gbk", "latin1"])
@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
async def test_bytes_are_stored_whatever_the_character_set_and_the_mode(
    database: Database, table: Table, charset: str, mode: str
) -> None:
    arguments = {"charset": charset, "init_command": f"SET sql_mode = '{mode}'"}
    async with database.module(connect_args=arguments) as data:
        await made(database, data)
        async with data.session() as session:
            for value in AWKWARD:
                await session.execute(insert(table).values(data=value))
        assert await kept(data, table) == AWKWARD


@on_mysql
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_many_rows_at_once_and_every_kind_of_bytes(
    database: Database, table: Table, data: DataModule, kind: type
) -> None:
    await made(database, data)

    async with data.session() as session:
        await session.execute(insert(table), [{"data": kind(value)} for value in AWKWARD])

    assert await kept(data, table) == AWKWARD


@on_mysql
async def test_bytes_are_found_by_a_list(database: Database, table: Table, data: DataModule) -> None:
    await made(database, data)
    async with data.session() as session:
        await session.execute(insert(table), [{"data": value} for value in AWKWARD])

    async with data.session() as session:
        found = await session.scalars(select(table.c.data).where(table.c.data.in_(AWKWARD[:3])).order_by(table.c.id))

        assert list(found) == AWKWARD[:3]


@on_mysql
async def test_the_drivers_own_cursor_sends_bytes_and_lists_of_them(
    database: Database, table: Table, data: DataModule
) -> None:
    await made(database, data)

    async with data.session() as session:
        driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
        async with driver.cursor() as cursor:
            await cursor.executemany(f"INSERT INTO {table.name} (data) VALUES (%s)", [(v,) for v in AWKWARD])
            await cursor.execute(f"SELECT COUNT(*) FROM {table.name} WHERE data IN %s", (AWKWARD[:3],))
            assert await cursor.fetchone() == (3,)

    assert await kept(data, table) == AWKWARD


@on_mysql
async def test_pickled_objects_and_bound_text_come_back(database: Database, table: Table, data: DataModule) -> None:
    await made(database, data)
    value = {"a": [1, b"\xff", "\N{GRINNING FACE}"], "b": None}

    async with data.session() as session:
        await session.execute(insert(table).values(pickled=value))
        assert await session.scalar(select(table.c.pickled)) == value
        raw = await session.scalar(
            text(f"SELECT pickled FROM {table.name} WHERE pickled = :raw").bindparams(
                raw=pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            )
        )
        assert pickle.loads(raw) == value
        assert await session.scalar(select(literal(b"\xff\0'", LargeBinary))) == b"\xff\0'"
