"""A value of every common type comes back as it went in, on every database, by every way in and out (contract C9)."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PickleType,
    String,
    Text,
    Time,
    Uuid,
    insert,
    select,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from myfy_data import DataModule
from tests.databases import OF_THE_KIT

everywhere = pytest.mark.parametrize("profile", OF_THE_KIT)

FACE = "\N{GRINNING FACE}"


class Colour(enum.Enum):
    """An enumeration whose names are not its values."""

    RED = "r"
    GREEN = "g"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type and what is stored of it.

    Attributes:
        type: SQLAlchemy's.
        values: each different from the others.
        comparable: whether a list of values finds them.
    """

    type: Any
    values: tuple[Any, ...]
    comparable: bool = True


AWARE = (datetime(2026, 2, 28, 23, 59, 59, 999999, UTC), datetime(1999, 1, 1, tzinfo=timezone(timedelta(hours=-5))))
KINDS = {
    "binary": Kind(LargeBinary(200_000), (bytes(range(256)), b"", b"'\\%s\0", FACE.encode(), b"\xff" * 100_000)),
    "pickled": Kind(PickleType, ({"a": [1, b"\xff", FACE], "b": None}, [], Colour.RED), comparable=False),
    "decimal": Kind(Numeric(12, 4), (Decimal("12345678.9012"), Decimal("-0.0001"), Decimal(0))),
    "moment": Kind(
        DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql"),
        tuple(map(datetime.fromisoformat, ("2026-02-28T23:59:59.999999", "1970-01-01", "9999-12-31T01:02:03"))),
    ),
    "aware": Kind(DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql"), AWARE),
    "day": Kind(Date, (date(2024, 2, 29), date(1000, 1, 1), date(9999, 12, 31))),
    "hour": Kind(Time().with_variant(mysql.TIME(fsp=6), "mysql"), (time(), time(23, 59, 59, 999999), time(12, 30))),
    "uuid": Kind(Uuid, (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.uuid4())),
    "json": Kind(
        JSON, ({"a": [1, 1.5, None, True, FACE], "é": {"'": '"\\%s'}}, [], "text", 0, {"a": ""}), comparable=False
    ),
    "short": Kind(String(50), ("", FACE * 12, "'; DROP TABLE x; -- \\ %s :a ?", " spaces ", "\r\n\t", "0")),
    "long": Kind(Text, (FACE * 10_000, "x", "\\")),
    "truth": Kind(Boolean, (True, False)),
    "big": Kind(BigInteger, (2**63 - 1, -(2**63), 0)),
    "real": Kind(Double, (0.1, -1e300, 5e-300, 3.0)),
    "colour": Kind(Enum(Colour, name="types_colour"), tuple(Colour)),
}
"""By the name of their column."""

CASES = [
    pytest.param(name, marks=pytest.mark.filterwarnings("ignore:Dialect sqlite.*Decimal:sqlalchemy.exc.SAWarning"))
    if name == "decimal"  # SQLite knows none, and SQLAlchemy says so
    else name
    for name in KINDS
]


class Tables:
    """A mapped class with a column of one kind."""

    def __init__(self, name: str) -> None:
        base = type("Base", (DeclarativeBase,), {"metadata": MetaData()})
        members = {
            "__tablename__": "types",
            "__annotations__": {"id": Mapped[int], "value": Mapped[Any]},
            "id": mapped_column(Integer, primary_key=True, autoincrement=False),
            "value": mapped_column(KINDS[name].type, nullable=True),
        }
        self.row: Any = type("Row", (base,), members)
        self.table = self.row.__table__
        self.metadata = base.metadata  # type: ignore[attr-defined]  # made by `type`


@pytest.fixture
async def tables(kind: str, profile: str, data: DataModule) -> Tables:
    """The table of one kind, which exists for one test."""
    tables = Tables(kind)
    async with data.get_engine(profile).begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    return tables


Rows = list[dict[str, Any]]


async def by_objects(session: AsyncSession, tables: Tables, rows: Rows) -> None:
    session.add_all([tables.row(**row) for row in rows])


async def by_many_objects(session: AsyncSession, tables: Tables, rows: Rows) -> None:
    await session.execute(insert(tables.row), rows)


async def by_many_rows(session: AsyncSession, tables: Tables, rows: Rows) -> None:
    connection = await session.connection()
    await connection.execute(insert(tables.table), rows)


async def one_by_one(session: AsyncSession, tables: Tables, rows: Rows) -> None:
    for row in rows:
        await session.execute(insert(tables.table).values(**row))


WAYS_IN: list[Callable[[AsyncSession, Tables, Rows], Awaitable[None]]] = [
    by_objects,
    by_many_objects,
    by_many_rows,
    one_by_one,
]


def expected(profile: str, kind: str) -> list[Any]:
    """What comes back: on PostgreSQL a moment in time, on others what the clock on the wall showed."""
    values: list[Any] = [*KINDS[kind].values, None]
    if kind == "aware" and profile != "postgresql":
        return [value and value.replace(tzinfo=None) for value in values]
    return values


@everywhere
@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("store", WAYS_IN)
async def test_it_comes_back(
    profile: str,
    data: DataModule,
    tables: Tables,
    kind: str,
    store: Callable[[AsyncSession, Tables, Rows], Awaitable[None]],
) -> None:
    values = expected(profile, kind)
    async with data.session(profile) as session:
        rows = [{"id": number, "value": value} for number, value in enumerate([*KINDS[kind].values, None])]
        await store(session, tables, rows)

    async with data.session(profile) as session:
        objects = await session.scalars(select(tables.row).order_by(tables.row.id))
        assert [row.value for row in objects] == values
    async with data.session(profile, read_only=True) as session:
        column = select(tables.table.c.value).order_by(tables.table.c.id)
        assert list(await session.scalars(column)) == values
        connection = await session.connection()
        assert list((await connection.execute(column)).scalars()) == values
        assert [value async for value in await session.stream_scalars(column)] == values
        found = await session.scalars(column)
        assert all(isinstance(value, type(wanted)) for value, wanted in zip(found, values, strict=True))


@everywhere
@pytest.mark.parametrize("kind", [case for case in CASES if case not in ("pickled", "json")])
async def test_it_is_found_by_a_list_and_by_itself(profile: str, data: DataModule, tables: Tables, kind: str) -> None:
    values = KINDS[kind].values
    async with data.session(profile) as session:
        session.add_all([tables.row(id=number, value=value) for number, value in enumerate([*values, None])])

    async with data.session(profile) as session:
        column = tables.row.value
        assert sorted(await session.scalars(select(tables.row.id).where(column.in_(values)))) == [*range(len(values))]
        for number, value in enumerate(values):
            assert list(await session.scalars(select(tables.row.id).where(column == value))) == [number]
        assert list(await session.scalars(select(tables.row.id).where(column.is_(None)))) == [len(values)]
