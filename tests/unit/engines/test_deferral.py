"""Which statements may run before BEGIN: none that could do more than read (ADR 0011)."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql

from myfy_data.engines.deferral import is_plain_select

NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", String(50)))
AUTHORS = Table("authors", MetaData(), Column("id", Integer, primary_key=True))
CHANGES = Table("changes", MetaData(), Column("update", Integer, primary_key=True))
writing = insert(NOTES).values(text="x").returning(NOTES.c.id).cte("written")


def sql(statement: object) -> str:
    return str(statement.compile(dialect=postgresql.asyncpg.dialect()))  # type: ignore[attr-defined]  # any clause


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
    "a CTE": select(select(NOTES).cte("seen")),
    "text in a condition": select(NOTES).where(text("audit(id)")),
    "a comment in text": select(NOTES).where(text("audit/**/(id)")),
    "a comment to the line's end": select(NOTES).where(text("audit -- \n (id)")),
    "two statements in text": select(NOTES).where(text("true; drop table notes")),
    "a literal column": select(literal_column("audit(1)")),
    "a quoted function": select(literal_column('"count"(1)')),
    "text before the columns": select(NOTES).prefix_with("audit(1),"),
    "a column named like a write, in doubt": select(CHANGES),
}


@pytest.mark.parametrize("statement", PLAIN.values(), ids=PLAIN.keys())
def test_what_only_reads_is_plain(statement: object) -> None:
    assert is_plain_select(sql(statement))


@pytest.mark.parametrize("statement", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
def test_what_may_do_more_is_not(statement: object) -> None:
    assert not is_plain_select(sql(statement))
