"""A session leaves nothing behind for the garbage collector: it is gone with its last reference (contract C4)."""

from __future__ import annotations

import gc
import weakref

import pytest
from sqlalchemy import select

from tests.databases import PERSISTENT, Database

pytestmark = pytest.mark.parametrize("database", PERSISTENT, indirect=True)


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_session_is_gone_with_its_last_reference(database: Database, read_only: bool) -> None:
    async with database.module() as data:
        gc.disable()
        try:
            async with data.session(read_only=read_only) as session:
                await session.execute(select(database.notes))
                halves = [weakref.ref(session), weakref.ref(session.sync_session)]
            del session

            assert [half() for half in halves] == [None, None]
        finally:
            gc.enable()
