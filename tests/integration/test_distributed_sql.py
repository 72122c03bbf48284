"""What distributed databases answer to COMMIT, by a scripted server: none of them can be had here (contract C11.6).

CockroachDB, YugabyteDB and Aurora DSQL speak PostgreSQL's protocol, TiDB speaks MySQL's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import CommitOutcomeUnknown, DataModule, retrying
from tests.databases import SERVERS, Database
from tests.scripted_commit import scripted_commit

ON_POSTGRESQL = pytest.mark.parametrize("database", SERVERS[:1], indirect=True)
ON_MARIADB = pytest.mark.parametrize("database", SERVERS[1:], indirect=True)

RESTART = ("40001", "restart transaction: TransactionRetryWithProtoRefreshError")
ACCESS = ("40001", "change conflicts with another transaction, please retry: (OC000)")
AMBIGUOUS = ("40003", "result is ambiguous: error=rpc error")
CONFLICT = ("9007", "Write conflict, txnStartTS=1, please retry later [try again later]")
FOR_UPDATE = ("8002", "can not retry select for update statement")
RETRYABLE = ("8022", "Error: KV error safe to retry [try again later]")
SCHEMA = ("8028", "Information schema is changed during the execution of the statement")


@asynccontextmanager
async def module(database: Database, script: Sequence[tuple[str, str]]) -> AsyncIterator[DataModule]:
    straight = database.url
    async with scripted_commit(database.kind, straight, script) as url:
        database.url = url
        try:
            async with database.module() as data:
                yield data
        finally:
            database.url = straight


async def attempts_of(data: DataModule, database: Database, note: str = "a") -> int:
    """How often a unit of work that stores one note was run."""
    number = 0
    async for attempt in retrying(data):
        async with attempt as session:
            number = attempt.number
            await session.execute(text(f"INSERT INTO {database.notes.name} (text) VALUES ('{note}')"))
    return number


@ON_POSTGRESQL
@pytest.mark.parametrize("answer", [RESTART, ACCESS], ids=["CockroachDB", "Aurora DSQL"])
async def test_a_conflict_that_is_told_at_commit_is_repeated(database: Database, answer: tuple[str, str]) -> None:
    async with module(database, [answer, answer]) as data:
        assert await attempts_of(data, database) == 3

    assert await database.stored() == ["a"]


@ON_POSTGRESQL
async def test_an_ambiguous_commit_is_unknown_and_never_repeated(database: Database) -> None:
    async with module(database, [AMBIGUOUS]) as data:
        with pytest.raises(CommitOutcomeUnknown):
            await attempts_of(data, database)


@ON_MARIADB
@pytest.mark.parametrize("answer", [CONFLICT, FOR_UPDATE, RETRYABLE], ids=lambda answer: answer[0])
async def test_a_conflict_of_tidb_is_repeated(database: Database, answer: tuple[str, str]) -> None:
    async with module(database, [answer, answer]) as data:
        assert await attempts_of(data, database) == 3

    assert await database.stored() == ["a"]


@ON_MARIADB
async def test_a_schema_that_changed_is_repeated_once(database: Database) -> None:
    """After a DDL that changed this table, a repetition fails for good."""
    async with module(database, [SCHEMA]) as data:
        assert await attempts_of(data, database) == 2
    async with module(database, [SCHEMA, SCHEMA]) as data:
        with pytest.raises(DBAPIError, match="8028"):
            await attempts_of(data, database, "b")

    assert await database.stored() == ["a"]


@ON_POSTGRESQL
async def test_without_a_script_it_is_the_server_itself(database: Database) -> None:
    async with module(database, []) as data:
        assert await attempts_of(data, database) == 1

    assert await database.stored() == ["a"]
