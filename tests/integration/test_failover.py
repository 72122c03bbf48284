"""Servers that are alive and refuse every write: the pool lets go of them, and health tells (research H8)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DatabaseSettings, DataModule, DataSettings, ReadOnlySessionError
from myfy_data.cli.ping import exit_code, render
from myfy_data.cli.ping_profiles import ping_profiles
from tests.databases import SERVERS, Database
from tests.servers import MYSQL, NoServerError, Server


class Primary(Database):
    """A database that can be made read-only for every connection, and writable again."""

    demotion: Sequence[str] = ()
    promotion: Sequence[str] = ()
    administrator = ""

    async def demote(self) -> None:
        await self._administrate(self.demotion)

    async def promote(self) -> None:
        await self._administrate(self.promotion)

    async def _administrate(self, statements: Sequence[str]) -> None:
        engine = create_async_engine(self.administrator, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Server]:
    """A server of our own: read-only is said of a whole server, and others use the standing one."""
    try:
        with MYSQL.own_server() as server:
            yield server
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture
def mysql_primary(mariadb: Server) -> Iterator[Primary]:
    with mariadb.database() as url:
        hosts = ("127.0.0.1", "localhost")
        # Not root, who may write to a read-only server.
        for host in hosts:
            with suppress(Exception):  # it is there only where an earlier test has made it
                mariadb.execute(f"DROP USER app@'{host}'")
        mariadb.execute(*(f"CREATE USER app@'{host}'" for host in hosts))
        mariadb.execute(*(f"GRANT ALL ON {url.rpartition('/')[2]}.* TO app@'{host}'" for host in hosts))
        primary = Primary("mysql", url.replace("root@", "app@"))
        primary.administrator = url
        primary.demotion, primary.promotion = ["SET GLOBAL read_only = 1"], ["SET GLOBAL read_only = 0"]
        yield primary


@pytest.fixture
def postgresql_primary(postgresql_url: str) -> Primary:
    primary = Primary("postgresql", postgresql_url)
    primary.administrator = postgresql_url
    of_database = f"ALTER DATABASE {postgresql_url.rpartition('/')[2]}"
    primary.demotion = [f"{of_database} SET default_transaction_read_only = on"]
    primary.promotion = [
        "SET default_transaction_read_only = off",
        f"{of_database} RESET default_transaction_read_only",
    ]
    return primary


@pytest.fixture(params=SERVERS)
async def primary(request: pytest.FixtureRequest) -> AsyncIterator[Primary]:
    """A primary with an empty table; without a connection yet."""
    primary: Primary = request.getfixturevalue(f"{request.param}_primary")
    await primary.create(create_async_engine(primary.url, poolclass=NullPool))
    yield primary
    await primary.promote()
    await primary.drop()


async def write(data: DataModule, primary: Primary, note: str = "a") -> None:
    async with data.session() as session:
        await session.execute(primary.note(note))


async def read(data: DataModule, primary: Primary) -> list[str]:
    async with data.session() as session:
        return await primary.texts(session)


def connections_of(engine: AsyncEngine) -> list[object]:
    """The entries of connections that are opened from now on."""
    entries: list[object] = []
    event.listen(engine.sync_engine, "connect", lambda _, entry: entries.append(entry))
    return entries


async def test_a_server_that_refuses_a_write_is_connected_to_anew(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        connections = connections_of(data.get_engine())
        with pytest.raises(DBAPIError):
            await write(data, primary)
        await primary.promote()  # on PostgreSQL for new connections only, as after a failover

        await write(data, primary)

        assert len(connections) == 2
        assert await read(data, primary) == ["a"]


async def test_every_idle_connection_is_replaced_once(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        engine = data.get_engine()
        connections = connections_of(engine)
        async with engine.connect(), engine.connect():
            pass
        with pytest.raises(DBAPIError):
            await write(data, primary)

        async with engine.connect(), engine.connect():
            pass
        for _ in range(4):
            await read(data, primary)

        assert len(connections) == 4  # two at first, each replaced once


async def test_each_further_refusal_replaces_only_its_own_connection(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        engine = data.get_engine()
        connections = connections_of(engine)
        for _ in range(3):
            with pytest.raises(DBAPIError):
                await write(data, primary)
        async with engine.connect(), engine.connect():
            pass
        before = len(connections)
        with pytest.raises(DBAPIError):
            await write(data, primary)
        async with engine.connect(), engine.connect():
            pass

        assert len(connections) == before + 1


async def test_the_refusal_says_what_the_server_said(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        with pytest.raises(DBAPIError, match=r"read-only (transaction|option)") as caught:
            await write(data, primary)

        assert not caught.value.connection_invalidated
        assert data.pool_status().checked_out == 0


async def test_health_tells_that_the_server_takes_no_writes(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        health = (await data.health()).profiles["main"]

        assert (health.ok, health.writable) == (False, False)
        assert health.error == "the server takes no writes: it is read-only, or a replica"


async def test_ping_tells_that_the_server_takes_no_writes(primary: Primary) -> None:
    await primary.demote()
    settings = DataSettings(profiles={"main": primary.settings(required=True)})

    answers = await ping_profiles(settings, ["main"], named=False)

    (line,) = render(answers)
    assert (f"{answers[0].server}, takes no writes", "yellow") in line
    assert (answers[0].as_json()["writable"], exit_code(answers)) == (False, 0)


async def test_health_finds_the_server_writable_again(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        for _ in range(2):  # each over a connection of its own
            assert not (await data.health()).profiles["main"].ok
        await primary.promote()

        health = (await data.health()).profiles["main"]

        assert (health.ok, health.writable, health.error) == (True, True, None)


async def test_a_write_that_succeeds_makes_the_profile_writable_again(
    primary: Primary, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "myfy_data")
    await primary.demote()
    async with primary.module(required=False) as data:
        with pytest.raises(DBAPIError):
            await write(data, primary)
        await primary.promote()
        await read(data, primary)  # no write: it proves nothing
        assert "takes writes again" not in caplog.text

        await write(data, primary)

        assert "refuses writes; every connection is replaced at its next use" in caplog.text
        assert "takes writes again" in caplog.text


@pytest.mark.postgresql
@pytest.mark.parametrize("primary", ["postgresql"], indirect=True)
async def test_what_was_opened_while_the_server_refused_is_replaced_when_it_takes_writes(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False) as data:
        engine = data.get_engine()
        with pytest.raises(DBAPIError):
            await write(data, primary)
        async with engine.connect():  # opened meanwhile: its own transactions stay read-only
            await primary.promote()
            await write(data, primary)

        async with engine.connect():
            await write(data, primary, "b")

        assert await read(data, primary) == ["a", "b"]


@pytest.mark.mysql
@pytest.mark.parametrize("primary", ["mysql"], indirect=True)
async def test_a_commit_that_the_server_refuses_is_no_unknown_outcome(primary: Primary) -> None:
    async with primary.module(required=False) as data:
        with pytest.raises(DBAPIError, match="read-only"):
            async with data.session() as session:
                await session.execute(primary.note("a"))
                await primary.demote()
        await primary.promote()

        assert await read(data, primary) == []


async def test_a_read_only_session_does_not_blame_the_server(primary: Primary) -> None:
    async with primary.module(required=False) as data:
        connections = connections_of(data.get_engine())
        for _ in range(3):
            with pytest.raises(ReadOnlySessionError):
                async with data.session(read_only=True) as session:
                    await session.execute(primary.note("a"))

        assert (await data.health()).ok
        assert len(connections) == 1


async def test_a_read_only_profile_wants_no_primary(primary: Primary) -> None:
    await primary.demote()
    async with primary.module(required=False, read_only=True) as data:
        health = (await data.health()).profiles["main"]

        assert (health.ok, health.writable) == (True, None)


@pytest.mark.mysql
@pytest.mark.parametrize(
    ("number", "words"),
    [(1836, "Running in read-only mode"), (1290, "The MySQL server is running with the --super-read-only option")],
)
async def test_mysqls_other_refusals_are_understood(mysql_url: str, number: int, words: str) -> None:
    async with module_at(mysql_url) as data:
        connections = connections_of(data.get_engine())
        for _ in range(2):
            with pytest.raises(DBAPIError) as caught:
                await signal(data, number, words)
            assert not caught.value.connection_invalidated

        assert len(connections) == 2


@pytest.mark.mysql
async def test_a_node_outside_its_cluster_is_let_go_of_at_once(mysql_url: str) -> None:
    async with module_at(mysql_url) as data:
        with pytest.raises(DBAPIError) as caught:
            await signal(data, 1047, "WSREP has not yet prepared node for application use")

        assert caught.value.connection_invalidated  # no ROLLBACK is sent, which would fail as well
        assert data.pool_status().checked_out == 0


@pytest.mark.mysql
@pytest.mark.parametrize(
    ("number", "words"),
    [(1290, "running with the --secure-file-priv option"), (1047, "Unknown command"), (1062, "read-only wsrep")],
)
async def test_numbers_that_mean_something_else_change_nothing(mysql_url: str, number: int, words: str) -> None:
    async with module_at(mysql_url) as data:
        connections = connections_of(data.get_engine())
        for _ in range(2):
            with pytest.raises(DBAPIError) as caught:
                await signal(data, number, words)
            assert not caught.value.connection_invalidated

        assert len(connections) == 1


def module_at(url: str) -> DataModule:
    profile = DatabaseSettings(database_url=url, pool_size=2, max_overflow=0, required=False)
    return DataModule(settings=DataSettings(profiles={"main": profile}))


async def signal(data: DataModule, number: int, words: str) -> None:
    """Have the server fail with this number and these words."""
    async with data.session() as session:
        await session.execute(text(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{words}'"))
