"""Fixtures for tests on real databases."""

from __future__ import annotations

import gc
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DataModule
from tests.accounts import Account
from tests.databases import Database, url_of
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.servers import MYSQL, POSTGRESQL, NoServerError, Server, account_of


@pytest.fixture
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the kind that the parameter names, its tables made (except in `memory`)."""
    database = Database(request.param, url_of(request.param, request, tmp_path))
    if database.kind != "memory":
        await database.create(create_async_engine(database.url, poolclass=NullPool))
    yield database
    await database.drop()


@pytest.fixture
async def proxy(database: Database) -> AsyncIterator[FaultProxy]:
    """Modules that are made in the test reach the server through a proxy, which counts and breaks."""
    straight = database.url
    async with fault_proxy(straight) as (proxy, database.url):
        yield proxy
    database.url = straight


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


@pytest.fixture(scope="module")
def strict_postgresql() -> Iterator[Server]:
    """A PostgreSQL server that asks some users for a password; the shared one trusts every user."""
    try:
        with POSTGRESQL.own_server() as server:
            lines = "'host all +locked 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust'"
            server.execute(
                "CREATE ROLE locked",
                "DO $$ BEGIN EXECUTE format('COPY (SELECT unnest(ARRAY["
                + lines.replace("'", "''")
                + "])) TO %L', current_setting('hba_file')); END $$",
                "SELECT pg_reload_conf()",
            )
            yield server
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """A new user with a password, on PostgreSQL or MySQL."""
    user = f"u_{secrets.token_hex(4)}"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("strict_postgresql")
        server.execute(f"CREATE ROLE {user} LOGIN IN ROLE locked")
        yield Account(server, server.url("postgres").replace("postgres@", ""), user)
        server.execute(f"DROP ROLE {user}")
        return
    url: str = request.getfixturevalue("mysql_url")
    known = account_of(url)
    server = Server(MYSQL, known)
    server.execute(f"CREATE USER {user}", f"GRANT ALL ON {known.database}.* TO {user}")
    yield Account(server, f"mysql://{known.host}:{known.port}/{known.database}", user)
    server.execute(f"DROP USER {user}")
