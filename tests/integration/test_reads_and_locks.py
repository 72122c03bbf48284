"""What a deferred BEGIN changes: between two plain SELECTs no writer is kept waiting (ADR 0011)."""

from __future__ import annotations

import pytest
from sqlalchemy import column, select, table, text
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule
from tests.databases import SERVERS, Database

pytestmark = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)


async def alter_between_reads(data: DataModule, database: Database, *first: str) -> None:
    """Read, let another connection change the table, read again; before all that, run text of one's own."""
    async with data.session() as session:
        for sql in first:
            await session.execute(text(sql))
        await database.texts(session)
        await database.run("SET LOCAL lock_timeout = 100", f"ALTER TABLE {database.notes.name} ADD COLUMN extra int")
        await database.texts(session)


async def test_between_two_reads_no_lock_is_held(database: Database) -> None:
    async with database.module() as data:
        await alter_between_reads(data, database)


@pytest.mark.parametrize(("deferred", "first"), [(False, []), (True, ["SELECT 1"])])
async def test_in_a_transaction_the_lock_of_a_read_is_held(
    database: Database, first: list[str], *, deferred: bool
) -> None:
    async with database.module(deferred_begin=deferred) as data:
        with pytest.raises(DBAPIError, match="lock timeout"):
            await alter_between_reads(data, database, *first)


@pytest.mark.parametrize(("deferred", "first"), [(False, []), (True, ["SELECT 1"])])
async def test_a_view_that_writes_is_rolled_back_where_begin_comes_first(
    database: Database, first: list[str], *, deferred: bool
) -> None:
    name = database.notes.name
    body = f"BEGIN INSERT INTO {name} (text) VALUES ('a'); RETURN 1; END"
    await database.run(
        f"CREATE FUNCTION {name}_write() RETURNS int LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE VIEW {name}_view AS SELECT {name}_write() AS id",
    )
    async with database.module(deferred_begin=deferred) as data:
        async with data.session() as session:
            for sql in first:
                await session.execute(text(sql))
            await session.execute(select(column("id")).select_from(table(f"{name}_view")))
            await session.rollback()

        assert await database.stored() == []
    await database.run(f"DROP VIEW {name}_view", f"DROP FUNCTION {name}_write")


@pytest.mark.parametrize(("deferred", "first"), [(False, []), (True, ["SELECT 1"])])
async def test_a_policy_that_writes_is_rolled_back_where_begin_comes_first(
    database: Database, first: list[str], *, deferred: bool
) -> None:
    """What a policy of row-level security calls stands in no statement."""
    name = database.notes.name
    body = f"BEGIN INSERT INTO {name} (text) VALUES ('a'); RETURN true; END"
    await database.run(
        f"CREATE TABLE {name}_rows AS SELECT 1 AS id",
        f"CREATE FUNCTION {name}_see() RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS $$ {body} $$",
        f"CREATE POLICY seen ON {name}_rows USING ({name}_see())",
        f"ALTER TABLE {name}_rows ENABLE ROW LEVEL SECURITY",
        f"CREATE ROLE {name}_reader",  # policies hold for neither owners nor superusers
        f"GRANT SELECT ON {name}_rows TO {name}_reader",
    )
    try:
        as_reader = {"server_settings": {"role": f"{name}_reader"}}
        async with database.module(deferred_begin=deferred, connect_args=as_reader) as data:
            async with data.session() as session:
                for sql in first:
                    await session.execute(text(sql))
                await session.execute(select(column("id")).select_from(table(f"{name}_rows")))
                await session.rollback()

            assert await database.stored() == []
    finally:
        await database.run(f"DROP TABLE {name}_rows", f"DROP FUNCTION {name}_see", f"DROP ROLE {name}_reader")
