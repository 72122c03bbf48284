"""A server for each kind of database, and in it a database for each process that runs tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from tests.own_servers import own_mysql, own_postgresql
from tests.servers import MYSQL, POSTGRESQL, Server, ServerKind, account_of

SCHEMAS = ("test_schema", "test_schema_2")
"""What SQLAlchemy's tests expect beside the database (README.unittests.rst)."""


class Database(NamedTuple):
    """A database for one process of tests; `url` names the asynchronous driver."""

    name: str
    url: str


@dataclass(frozen=True)
class Kind:
    """One of the three kinds of database.

    Attributes:
        name: as the project names it.
        title: as the page names it.
        server: finds or starts a server; None for SQLite.
    """

    name: str
    title: str
    server: Callable[[], AbstractContextManager[Server | None]]

    @contextmanager
    def database(self, server: Server | None, prefix: str) -> Iterator[Database]:
        """A new database with what the tests expect in it, under a name that no other run on this server has.

        SQLite's is a file in the working directory, under the name that SQLAlchemy's plugin gives it.
        """
        name = f"{prefix}_{secrets.token_hex(4)}"
        if server is None:
            yield Database(name, f"sqlite+aiosqlite:///{name}.db")
            return
        create, drop = (_on_postgresql if self.name == "postgresql" else _on_mysql)(server, name)
        for each, statements in create:
            each.execute(*statements)
        try:
            yield Database(name, server.url(name))
        finally:
            server.execute(*drop)


Creation = tuple[Sequence[tuple[Server, Sequence[str]]], Sequence[str]]
"""Statements that create, each with the database in which they run; and statements that drop."""


def _on_postgresql(server: Server, name: str) -> Creation:
    inside = replace(server, account=replace(server.account, database=name))
    schemas = [f"CREATE SCHEMA {schema}" for schema in SCHEMAS]
    return [(server, [f"CREATE DATABASE {name}"]), (inside, schemas)], [server.kind.drop.format(name=name)]


def _on_mysql(server: Server, name: str) -> Creation:
    names = [name, *(f"{name}_{schema}" for schema in SCHEMAS)]
    create = [f"CREATE DATABASE {each} CHARACTER SET utf8mb4" for each in names]
    return [(server, create)], [server.kind.drop.format(name=each) for each in names]


@contextmanager
def _server(kind: ServerKind) -> Iterator[Server]:
    """The server that a variable names, else one that is started for this run: the tests ask for settings of their own.

    Raises:
        NoServerError: there is none, and none can be started.
    """
    named = os.environ.get(kind.variable)
    if named:
        yield Server(kind, account_of(named))
        return
    with kind.own_server() as server:
        yield server


_TWO_PHASE = ("-c", "max_prepared_transactions=20", "-c", "max_connections=300")
_POSTGRESQL = replace(POSTGRESQL, own=partial(own_postgresql, lambda _: _TWO_PHASE))
_MARIADB = replace(MYSQL, own=partial(own_mysql, lambda _: ("--max-connections=300",)))

KINDS = {
    "sqlite": Kind("sqlite", "SQLite", lambda: nullcontext(None)),
    "postgresql": Kind("postgresql", "PostgreSQL", partial(_server, _POSTGRESQL)),
    "mysql": Kind("mysql", "MariaDB", partial(_server, _MARIADB)),
}
