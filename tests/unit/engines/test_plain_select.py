"""Which statements may run before BEGIN: none that could do more than read (ADR 0011)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Enum,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    bindparam,
    case,
    cast,
    column,
    exists,
    extract,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    tuple_,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import column_property, registry
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import UserDefinedType

from myfy_data.engines.connect.plain_select import ReadingCompiler, reading_compiler

NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", String(50)))
AUTHORS = Table("authors", MetaData(), Column("id", Integer, primary_key=True))
CHANGES = Table("changes", MetaData(), Column("update", Integer, primary_key=True))
writing = insert(NOTES).values(text="x").returning(NOTES.c.id).cte("written")


class Path(UserDefinedType):  # type: ignore[type-arg]  # of nothing
    """A type of the database's own."""

    def get_col_spec(self) -> str:
        return "ltree"


class Audited(TypeDecorator[str]):
    """A type whose values are read by a function."""

    impl = String
    cache_ok = True

    def column_expression(self, column: ColumnElement[str]) -> ColumnElement[str]:
        return func.audit(column)


class Encoded(TypeDecorator[str]):
    """A type whose values are compared by a function."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindparam: Any) -> ColumnElement[str]:
        return func.encode(bindparam)


class Shouted(TypeDecorator[str]):
    """A type that Python alone knows."""

    impl = String
    cache_ok = True


class Disguised(ColumnElement[int]):
    """Rendered as its author likes."""

    inherit_cache = True


@compiles(Disguised)
def as_text(*_: Any, **__: Any) -> str:
    return Disguised.text  # type: ignore[attr-defined, no-any-return]  # set by each test


OTHERS = Table(
    "others",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("path", Path()),
    Column("audited", Audited()),
    Column("encoded", Encoded()),
    Column("shouted", Shouted()),
    Column("mood", Enum("glad", "sad", name="mood")),
    Column("price", Float),
)


class Counted:
    """Mapped with a property that is more than a column."""


class Bare:
    """Mapped with its columns alone."""


NUMBER = text("select nextval('numbers') as n").columns(column("n", Integer)).scalar_subquery()
registry().map_imperatively(Counted, NOTES, properties={"next": column_property(NUMBER)})
registry().map_imperatively(Bare, AUTHORS)


def only_reads(statement: Any) -> bool:
    dialect = postgresql.asyncpg.dialect()
    dialect.statement_compiler = reading_compiler(dialect.statement_compiler)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, ReadingCompiler)
    return compiled.only_reads


PLAIN = {
    "all columns": select(NOTES),
    "by key": select(NOTES).where(NOTES.c.id == 1),
    "a cast parameter": select(NOTES).where(NOTES.c.text == "x", NOTES.c.text.like("x%")),
    "in a list": select(NOTES).where(NOTES.c.id.in_([1, 2])),
    "join and order": select(NOTES).join(AUTHORS, AUTHORS.c.id == NOTES.c.id).order_by(NOTES.c.text).limit(3),
    "subquery": select(NOTES).where(NOTES.c.id.in_(select(NOTES.c.id).where(NOTES.c.text == "x"))),
    "exists": select(NOTES).where(exists(select(NOTES.c.id))),
    "aggregates": select(func.count(NOTES.c.id), func.max(NOTES.c.text), func.coalesce(NOTES.c.text, "")),
    "union": union_all(select(NOTES), select(NOTES)),
    "case and cast": select(case((NOTES.c.id == 1, "a"), else_=cast(NOTES.c.id, String(5)))),
    "parentheses": select(NOTES).where((NOTES.c.id == 1) | ((NOTES.c.id == 2) & ~(NOTES.c.text == "x"))),
    "named parameter": select(NOTES).where(NOTES.c.text == bindparam("for")),
    "a CTE": select(select(NOTES).cte("seen")),
    "an alias": select(NOTES.alias("a").c.id),
    "arithmetic": select((NOTES.c.id + 1) * 2 - 3, NOTES.c.text + "x"),
    "an inner CTE": select(select(select(NOTES).cte("one")).cte("two")),
    "a window": select(func.row_number().over(partition_by=NOTES.c.text, order_by=NOTES.c.id)),
    "an aggregate with a filter": select(func.count(NOTES.c.id).filter(NOTES.c.id > 1)),
    "tuples": select(NOTES).where(tuple_(NOTES.c.id, NOTES.c.text).in_([(1, "a")])),
    "a literal": select(literal(1), literal("x")),
    "order by a label's name": select(NOTES.c.id.label("n")).order_by("n"),
    "lateral": select(NOTES, select(AUTHORS).where(AUTHORS.c.id == NOTES.c.id).lateral()),
    "is null, between, not in": select(NOTES).where(
        NOTES.c.text.is_(None), NOTES.c.id.between(1, 2), NOTES.c.id.not_in([3])
    ),
    "contains": select(NOTES).where(NOTES.c.text.contains("x"), NOTES.c.text.ilike("x")),
    "a type of Python's": select(OTHERS.c.shouted).where(OTHERS.c.shouted == "x"),
    "a parameter of an enumeration": select(OTHERS.c.id).where(OTHERS.c.mood == "glad"),
    "a part of a date": select(extract("year", OTHERS.c.price)),
    "type_coerce": select(type_coerce(NOTES.c.id, String)),
    "a mapped class": select(Bare),
    "how many": select(func.count()).select_from(NOTES),
    "parentheses around a union": union_all(select(NOTES).limit(1), select(NOTES).limit(1)),
}

NOT_PLAIN = {
    "insert": insert(NOTES).values(text="x"),
    "update": update(NOTES).values(text="x"),
    "a lock": select(NOTES).with_for_update(),
    "a shared lock": select(NOTES).with_for_update(read=True),
    "a function": select(func.nextval("numbers")),
    "a function of a schema": select(func.app.count_and_log(NOTES.c.id)),
    "a function named like an aggregate in a schema": select(func.app.count(NOTES.c.id)),
    "a table function": select(func.generate_series(1, 3).table_valued("n")),
    "a lock by function": select(func.pg_advisory_xact_lock(1)),
    "now": select(func.now()),
    "the transaction's time": select(func.current_timestamp()),
    "a CTE that writes": select(writing),
    "text in a condition": select(NOTES).where(text("audit(id)")),
    "a comment in text": select(NOTES).where(text("audit/**/(id)")),
    "a comment to the line's end": select(NOTES).where(text("audit -- \n (id)")),
    "two statements in text": select(NOTES).where(text("true; drop table notes")),
    "a literal column": select(literal_column("audit(1)")),
    "a quoted function": select(literal_column('"count"(1)')),
    "text before the columns": select(NOTES).prefix_with("audit(1),"),
    "a column named like a write, in doubt": select(CHANGES),
    "a function's name with $": select(getattr(func, "audit$")(1)),
    "a function's name that ends like a harmless one": select(getattr(func, "audit$count")(1)),
    "a quoted function of a known name": select(getattr(func, quoted_name("Count", True))(1)),
    "an operator of one's own": select(NOTES).where(NOTES.c.id.op("<<~")(3)),
    "an operator that looks like SQL's": select(NOTES).where(NOTES.c.id.op("=")(3)),
    "a condition by an operator of one's own": select(NOTES).where(NOTES.c.id.bool_op("<")(3)),
    "text behind an operator": select(NOTES).where(text("id <<~ 3")),
    "harmless text": select(NOTES).where(text("id = 3")),
    "text as a column": select(text("id")).select_from(NOTES),
    "text to order by": select(NOTES).order_by(text("id")),
    "text in a subquery": select(NOTES).where(NOTES.c.id.in_(select(NOTES.c.id).where(text("id = 3")))),
    "attribute notation": select(literal_column("notes.audit")).select_from(NOTES),
    "a column of a name of one's own": select(column("notes.audit", is_literal=True)).select_from(table("notes")),
    "a suffix": select(NOTES).suffix_with("for update"),
    "a hint": select(NOTES).with_statement_hint("for update"),
    "a sample": select(NOTES.tablesample(func.system(10))),
    "a CAST to a type of the database's own": select(cast(NOTES.c.text, Path())),
    "a column of a type of the database's own": select(OTHERS.c.path),
    "a column read by a function": select(OTHERS.c.audited),
    "a parameter compared by a function": select(OTHERS.c.id).where(OTHERS.c.encoded == "x"),
    "a domain": select(cast(NOTES.c.id, postgresql.DOMAIN("positive", Integer))),
    "a property that is text": select(Counted),
    "a property that is text, in a subquery": select(select(Counted).subquery()),
    "a CTE that is text": select(text("select 1 as id").columns(column("id", Integer)).cte("t")),
    "a lock in a subquery": select(select(NOTES).with_for_update().subquery()),
    "an array's operator": select(NOTES).where(type_coerce(NOTES.c.text, postgresql.ARRAY(String)).contains(["x"])),
}


@pytest.mark.parametrize("statement", PLAIN.values(), ids=PLAIN.keys())
def test_what_only_reads_is_plain(statement: object) -> None:
    assert only_reads(statement)


@pytest.mark.parametrize("statement", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
def test_what_may_do_more_is_not(statement: object) -> None:
    assert not only_reads(statement)


@pytest.mark.parametrize("disguise", ["audit(1)", "id <<~ 3", '"count"(1)', "audit$(1)", "1; select 2", "1 -- x"])
def test_what_a_hook_renders_is_read_as_text(disguise: str) -> None:
    Disguised.text = disguise  # type: ignore[attr-defined]  # for `as_text`
    assert not only_reads(select(Disguised()))
