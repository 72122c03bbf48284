"""`engine_options.skip_autocommit_rollback` leaves ROLLBACK out in AUTOCOMMIT, and never anywhere else (C2)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import PERSISTENT, Database

on_every_database = pytest.mark.parametrize("database", PERSISTENT, indirect=True)

SETTINGS: dict[str, Any] = {"pool_size": 1, "engine_options": {"skip_autocommit_rollback": True}}


async def is_in_autocommit(connection: AsyncConnection) -> bool:
    """What the dialect says of a connection."""
    return await connection.run_sync(lambda sync: sync.dialect.detect_autocommit_setting(sync.connection))


@on_every_database
async def test_work_that_failed_is_rolled_back(database: Database) -> None:
    async with database.module(**SETTINGS) as data:
        with suppress(LookupError):
            async with data.session() as session:
                await session.execute(database.note("failed"))
                raise LookupError
        async with data.session() as session:  # on the same connection
            await session.execute(database.note("stored"))

    assert await database.stored() == ["stored"]


@on_every_database
async def test_a_read_before_does_not_switch_it_off(database: Database) -> None:
    async with database.module(**SETTINGS) as data:
        for _ in range(2):
            with suppress(LookupError):
                async with data.session() as session:
                    await database.texts(session)
                    await session.execute(database.note("failed"))
                    await session.rollback()
                    await database.texts(session)
                    await session.execute(database.note("failed as well"))
                    raise LookupError

    assert await database.stored() == []


@on_every_database
async def test_the_dialect_tells_the_two_apart(database: Database) -> None:
    async with database.module(**SETTINGS) as data, data.get_engine().connect() as connection:
        answers = [await is_in_autocommit(connection)]
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        answers.append(await is_in_autocommit(connection))

    assert answers == [False, True]


@on_every_database
async def test_a_profile_in_autocommit_still_works(database: Database) -> None:
    async with database.module(**SETTINGS, isolation_level="AUTOCOMMIT") as data:
        with suppress(LookupError):
            async with data.session() as session:
                await session.execute(database.note("at once"))
                raise LookupError

    assert await database.stored() == ["at once"]
