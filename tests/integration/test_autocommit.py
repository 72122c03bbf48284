"""Where every statement is its own transaction, MySQL is told of no other (contract C10, ADR 0011)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.databases import Database
from tests.faults.proxy import FaultProxy
from tests.integration.test_round_trips import on_mysql, read, spent


@on_mysql
@pytest.mark.parametrize("read_only", [True, False])
async def test_where_every_statement_is_a_transaction_mysql_is_sent_no_commit(
    database: Database, proxy: FaultProxy, *, read_only: bool
) -> None:
    async with database.module(read_only=read_only, isolation_level="AUTOCOMMIT") as data:
        assert await spent(proxy, data, database, read) == 1


@on_mysql
async def test_a_transaction_that_the_user_began_in_autocommit_is_ended_before_the_next_user(
    database: Database,
) -> None:
    async with database.module(pool_size=1, isolation_level="AUTOCOMMIT") as data:
        async with data.session() as session:
            await session.execute(text("BEGIN"))
            await session.execute(database.note("a"))
            await read(session, database)
            await session.rollback()
        assert await database.stored() == []
        async with data.session() as session:
            await session.execute(text("BEGIN"))
            await session.execute(database.note("b"))
            await read(session, database)

    assert await database.stored() == ["b"]
