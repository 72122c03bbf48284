"""`do_connect` listeners, SQLAlchemy's way to hand each connection a token: called, heard, within bounds (C16.1)."""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from myfy_data import (
    ConfigError,
    ConnectTimeoutError,
    DatabaseConnectionError,
    DatabaseSettings,
    DataModule,
    DataSettings,
)
from myfy_data.engines.connect.connect_errors import chain
from tests.databases import ALL, SERVERS, Database
from tests.integration.test_connect_secrets import CANARY, check_clean, silent

on_all = pytest.mark.parametrize("database", ALL, indirect=True)
on_servers = pytest.mark.parametrize("database", SERVERS, indirect=True)
on_postgresql = pytest.mark.parametrize("database", [SERVERS[0]], indirect=True)

Listener = Callable[[Any, Any, list[Any], dict[str, Any]], Any]

APPLICATION = {"postgresql": "SHOW application_name", "mysql": "SELECT @@sql_mode"}


@asynccontextmanager
async def listening(listener: Listener, settings: DatabaseSettings) -> AsyncIterator[DataModule]:
    """A module on whose engines a `do_connect` listener sits."""

    def attach(_profile: str, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "do_connect", listener)

    data = DataModule(settings=DataSettings(profiles={"main": settings}), on_engine=attach)
    try:
        yield data
    finally:
        await data.stop()


def name_itself(name: str) -> Listener:
    """A listener that gives each PostgreSQL connection a name, and each MySQL one a mode."""

    def listen(dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        if dialect.name == "postgresql":
            parameters["server_settings"] = {"application_name": name}
        else:
            parameters["sql_mode"] = "ANSI_QUOTES"

    return listen


def token(database: Database, text: str) -> str:
    """A password that the shared servers take: PostgreSQL any, MariaDB none."""
    return text if database.kind == "postgresql" else ""


# -- heard -------------------------------------------------------------------------------------------------------------


@on_servers
async def test_what_a_listener_changes_reaches_the_server(database: Database) -> None:
    name = f"n_{secrets.token_hex(4)}"
    async with listening(name_itself(name), database.settings()) as data, data.session() as session:
        heard = await session.scalar(text(APPLICATION[database.kind]))

    assert heard == (name if database.kind == "postgresql" else "ANSI_QUOTES")


@on_postgresql
async def test_the_settings_of_the_profile_stay_beside_those_of_the_listener(database: Database) -> None:
    settings = database.settings(statement_timeout=7.0, read_only=True)
    async with listening(name_itself("n"), settings) as data, data.session() as session:
        heard = [
            await session.scalar(text(f"SHOW {key}"))
            for key in ("application_name", "statement_timeout", "default_transaction_read_only")
        ]

    assert heard == ["n", "7s", "on"]


@on_servers
async def test_each_connection_asks_anew(database: Database) -> None:
    given: list[dict[str, Any]] = []
    records: list[Any] = []

    def listen(_dialect: Any, record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        records.append(record)
        given.append(dict(parameters))
        parameters["password"] = token(database, f"token {len(given)}")

    async with listening(listen, database.settings()) as data, data.session() as one, data.session() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))

    assert len(given) == 2
    assert given[0] == given[1], "what one connection was given stays with it"
    assert all(isinstance(record, ConnectionPoolEntry) for record in records)


@on_postgresql
async def test_a_listener_finds_the_address_and_no_password(database: Database) -> None:
    given: list[dict[str, Any]] = []

    def listen(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        given.append(dict(parameters))

    settings = database.settings(password=CANARY)
    async with listening(listen, settings) as data, data.session() as session:
        await session.execute(text("SELECT 1"))

    assert (given[0]["host"], given[0]["user"]) == (settings.url.host, settings.url.username)
    assert CANARY not in repr(given)


@on_servers
async def test_a_listener_may_wait_for_its_token(database: Database) -> None:
    fetched: list[str] = []

    async def fetch() -> str:
        await asyncio.sleep(0)
        fetched.append("token")
        return token(database, "token")

    def listen(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        parameters["password"] = await_only(fetch())

    async with listening(listen, database.settings()) as data:
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
        report = await data.health()

    assert (fetched, report.ok) == (["token"] * 2, True)


@on_postgresql
async def test_a_listener_may_send_a_connection_elsewhere(database: Database) -> None:
    def listen(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        parameters["database"] = "postgres"

    async with listening(listen, database.settings()) as data, data.session() as session:
        assert await session.scalar(text("SELECT current_database()")) == "postgres"


@on_servers
async def test_every_door_of_an_engine_calls_it(database: Database) -> None:
    calls: list[str] = []

    def listen(*_: Any) -> None:
        calls.append("called")

    async with listening(listen, database.settings(warm_up=True, pool_size=2)) as data:
        await data.start()
        at_start = len(calls)
        await data.health()
        by_health = len(calls) - at_start
        await data.get_engine().dispose()
        async with data.session() as session:
            await session.execute(text("SELECT 1"))

    assert (at_start, by_health, len(calls)) == (2, 1, 4)


# -- within bounds -----------------------------------------------------------------------------------------------------


def give_canary(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
    parameters["password"] = CANARY


@pytest.mark.parametrize("kind", ["postgresql, in clear", "mysql, after its greeting"])
async def test_a_token_is_in_no_frame_and_no_name(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        profile = server.settings("disable", 0.2, tmp_path).profiles["main"]
        plain = DatabaseSettings(
            driver=profile.url.driver, host="127.0.0.1", port=server.port, username="app", connect_timeout=0.2
        )
        async with listening(give_canary, plain) as data:
            engine = data.get_engine()
            with pytest.raises(ConnectTimeoutError) as caught:
                async with engine.connect():
                    pass
            named = repr([engine, engine.sync_engine, engine.pool, vars(engine.pool)])

    check_clean(caught.value)
    assert CANARY not in named


@pytest.mark.parametrize("kind", ["postgresql, in clear"])
async def test_a_listener_that_fails_leaves_no_token_in_our_frames(kind: str, tmp_path: Path) -> None:
    def fail(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        parameters["password"] = CANARY
        raise ValueError("mine")

    async with silent(kind) as server:
        settings = DatabaseSettings(database_url=f"postgresql://app@127.0.0.1:{server.port}/main")
        async with listening(fail, settings) as data:
            with pytest.raises(ValueError, match="mine") as caught:
                async with data.session() as session:
                    await session.execute(text("SELECT 1"))
            in_use = data.pool_status().checked_out

    check_clean(caught.value)
    assert in_use == 0


@on_servers
async def test_the_error_of_a_listener_is_its_own_at_every_door(database: Database) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("no token today")

    async with listening(fail, database.settings()) as data:
        with pytest.raises(LookupError, match="no token today"):
            async with data.session() as session:
                await session.execute(text("SELECT 1"))
        health = (await data.health()).profiles["main"]
        with pytest.raises(LookupError, match="no token today"):
            await data.start()

    assert (health.ok, health.error) == (False, "LookupError")


@on_servers
async def test_a_password_that_the_server_refuses_is_told_as_the_listeners(database: Database) -> None:
    def listen(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        parameters["user"] = "nobody_of_this_name"
        parameters["password"] = CANARY

    async with listening(listen, database.settings()) as data:
        with pytest.raises(DatabaseConnectionError) as caught:
            async with data.session() as session:
                await session.execute(text("SELECT 1"))

    assert CANARY not in "".join(str(item) for item in chain(caught.value))
    if database.kind == "mysql":  # the shared PostgreSQL asks for no password
        assert "with the password that a `do_connect` listener gave" in str(caught.value)


@asynccontextmanager
async def nowhere(tmp_path: Path, scheme: str) -> AsyncIterator[DatabaseSettings]:
    """A server that must not be reached."""
    if scheme == "sqlite":
        yield DatabaseSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'app.db'}")
        return
    timeout = {"statement_timeout": 3.0} if scheme == "postgresql" else {}
    async with silent(scheme if scheme == "mysql" else "postgresql, in clear") as server:
        yield DatabaseSettings(
            database_url=f"{scheme}://app@127.0.0.1:{server.port}/main", connect_timeout=5, **timeout
        )
        assert not server.arrived.is_set()


def own_connection(*_: Any) -> Any:
    return OwnConnection()


class OwnConnection:
    """What a listener made by itself."""

    closed: ClassVar[list[OwnConnection]] = []

    def close(self) -> None:
        self.closed.append(self)


def positional_argument(_dialect: Any, _record: Any, positional: list[Any], _parameters: dict[str, Any]) -> None:
    positional.append("x")


def setting(key: str, value: object) -> Listener:
    def listen(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
        parameters[key] = value

    return listen


def everything_gone(_dialect: Any, _record: Any, _positional: list[Any], parameters: dict[str, Any]) -> None:
    parameters.clear()
    parameters["user"] = "app"


REFUSED = [
    ("postgresql", own_connection, "returned a connection of its own"),
    ("mysql", own_connection, "returned a connection of its own"),
    ("sqlite", own_connection, "returned a connection of its own"),
    ("postgresql", positional_argument, "passed positional arguments"),
    ("postgresql", setting("password", 12345), "set a password that is no text"),
    ("postgresql", setting("ssl", False), "set 'ssl', which is not its to set"),
    ("postgresql", setting("command_timeout", None), "set 'command_timeout', which is not its to set"),
    ("postgresql", setting("no_such_thing", 1), "set 'no_such_thing', which is not its to set"),
    (
        "postgresql",
        setting("server_settings", {"statement_timeout": "0"}),
        "set 'statement_timeout', which is not its to set",
    ),
    ("postgresql", everything_gone, "took '"),
    ("mysql", setting("local_infile", True), "set 'local_infile'"),
    ("sqlite", setting("timeout", 1), "set 'timeout', which is not its to set"),
]


@pytest.mark.parametrize(("scheme", "listener", "why"), REFUSED)
async def test_what_would_undo_a_promise_is_refused(scheme: str, listener: Listener, why: str, tmp_path: Path) -> None:
    async with nowhere(tmp_path, scheme) as settings, listening(listener, settings) as data:
        with pytest.raises(
            ConfigError, match=rf"profiles\.main: a `do_connect` listener {why}[^\n]*\n  fix: "
        ) as caught:
            async with data.session() as session:
                await session.execute(text("SELECT 1"))
        in_use = data.pool_status().checked_out

    assert in_use == 0
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "12345" not in told.replace(str(settings), "")


@on_servers
async def test_a_connection_that_a_listener_opens_as_sqlalchemy_shows_it_is_refused(database: Database) -> None:
    def listen(dialect: Any, _record: Any, positional: list[Any], parameters: dict[str, Any]) -> Any:
        return dialect.dbapi.connect(*positional, **parameters)

    async with listening(listen, database.settings()) as data:
        with pytest.raises(ConfigError, match="returned a connection of its own"):
            async with data.session() as session:
                await session.execute(text("SELECT 1"))


async def test_a_connection_that_is_refused_is_closed(tmp_path: Path) -> None:
    OwnConnection.closed.clear()
    async with nowhere(tmp_path, "postgresql") as settings, listening(own_connection, settings) as data:
        with pytest.raises(ConfigError):
            async with data.get_engine().connect():
                pass

    assert len(OwnConnection.closed) == 1
