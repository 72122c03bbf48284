"""An end inside of something else, which MySQL's answer does not tell: what came before it may be stored or not."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule
from myfy_data.errors import PartialCommitError, TransactionEndedError
from myfy_data.sessions.unit_of_work import UnitOfWork
from tests.databases import SERVERS, Database


@pytest.mark.parametrize("database", SERVERS[1:], indirect=True)
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize(
    "way",
    ["DO 1; {end}; DO 2", "CALL {procedure}()", "EXECUTE ending"],
)
async def test_what_it_has_stored_is_not_known(database: Database, narrow: DataModule, way: str, end: str) -> None:
    procedure = f"end_{database.notes.name}"
    await database.run(f"CREATE PROCEDURE {procedure}() {end}")
    try:
        with pytest.raises(TransactionEndedError, match="may be stored or not") as caught:
            async with narrow.session() as session:
                await session.execute(text(f"PREPARE ending FROM '{end}'"))
                await session.execute(database.note("before"))
                await session.execute(text(way.format(end=end, procedure=procedure)))
                await session.execute(database.note("behind"))
    finally:
        await database.run(f"DROP PROCEDURE {procedure}")

    assert caught.value.committed is None
    assert await database.stored() == (["before"] if end == "COMMIT" else [])


@pytest.mark.parametrize("database", SERVERS[1:], indirect=True)
async def test_what_ddl_stored_before_it_waited_in_vain_is_not_denied(database: Database, narrow: DataModule) -> None:
    """DDL commits first, then waits for the others on its table, and fails with the number of a lock (1205)."""
    async with database.module() as others, others.session() as other, narrow.session() as session:
        await other.execute(select(database.notes))
        await session.execute(text("SET SESSION lock_wait_timeout = 1"))
        await session.execute(database.note("before"))
        with pytest.raises(DBAPIError, match="1205"):
            await session.execute(text(f"ALTER TABLE {database.notes.name} ADD more INT"))
        with pytest.raises(TransactionEndedError, match="may be stored or not") as caught:
            await session.execute(select(1))
        await session.rollback()

    assert caught.value.committed is None
    assert await database.stored() == ["before"]


@pytest.mark.parametrize("database", SERVERS[1:], indirect=True)
async def test_of_several_profiles_it_is_not_denied_either(database: Database, narrow: DataModule) -> None:
    procedure = f"end_{database.notes.name}"
    await database.run(f"CREATE PROCEDURE {procedure}() COMMIT")
    async with database.module() as first:
        unit = UnitOfWork()
        await unit.session(first.get_session_factory()).execute(database.note("first"))
        session = unit.session(narrow.get_session_factory())
        await session.execute(database.note("before"))
        await session.execute(text(f"CALL {procedure}()"))

        with pytest.raises(PartialCommitError, match="nobody can tell") as caught:
            await unit.commit()
    await database.run(f"DROP PROCEDURE {procedure}")

    assert caught.value.unknown
    assert sorted(await database.stored()) == ["before", "first"]
