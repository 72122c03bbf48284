"""An end inside of something else, which MySQL's answer does not tell: what came before it may be stored or not."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from myfy_data import DataModule
from myfy_data.errors import TransactionEndedError
from tests.databases import SERVERS, Database


@pytest.mark.parametrize("database", SERVERS[1:], indirect=True)
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("way", ["DO 1; {end}; DO 2", "CALL {procedure}()", "EXECUTE IMMEDIATE '{end}'"])
async def test_what_it_has_stored_is_not_known(database: Database, narrow: DataModule, way: str, end: str) -> None:
    procedure = f"end_{database.notes.name}"
    await database.run(f"CREATE PROCEDURE {procedure}() {end}")
    try:
        with pytest.raises(TransactionEndedError, match="may be stored or not") as caught:
            async with narrow.session() as session:
                await session.execute(database.note("before"))
                await session.execute(text(way.format(end=end, procedure=procedure)))
                await session.execute(database.note("behind"))
    finally:
        await database.run(f"DROP PROCEDURE {procedure}")

    assert caught.value.committed is None
    assert await database.stored() == (["before"] if end == "COMMIT" else [])
