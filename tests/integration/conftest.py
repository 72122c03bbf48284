"""Fixtures for tests on real databases."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DataModule
from tests.databases import Database, url_of


@pytest.fixture
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the kind that the parameter names, its tables made (except in `memory`)."""
    database = Database(request.param, url_of(request.param, request, tmp_path))
    if database.kind != "memory":
        await database.create(create_async_engine(database.url, poolclass=NullPool))
    yield database
    await database.drop()


@pytest.fixture
async def data(database: Database) -> AsyncIterator[DataModule]:
    """A started module with one profile, `main`, whose pool holds two connections."""
    async with database.module() as data:
        await database.create(data.get_engine())
        yield data


@pytest.fixture
async def narrow(database: Database) -> AsyncIterator[DataModule]:
    """A started module whose pool holds one connection: whatever is left on it, the next session sees."""
    async with database.module(pool_size=1) as data:
        await database.create(data.get_engine())
        yield data


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing may be reported behind the test's back: no error logged, nothing "never retrieved"."""
    yield
    gc.collect()
    records = [record for phase in ("setup", "call", "teardown") for record in caplog.get_records(phase)]  # type: ignore[arg-type]  # a literal each
    messages = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    if sqlalchemy.__version__.startswith("2.0."):
        # It tells that closing a connection was cancelled, and then aborts the connection, as it should.
        messages = [message for message in messages if not message.startswith("Exception terminating connection")]
    assert messages == []
