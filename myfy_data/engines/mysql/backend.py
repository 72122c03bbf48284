"""MySQL and MariaDB through aiomysql (contract C9)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.connect.backend import Ask, Backend, adapted
from myfy_data.engines.connect.client_name import default_client_name
from myfy_data.engines.connect.connect_errors import CORRECT_ADDRESS, SWITCH_TLS_ON, Failure, address_of, chain
from myfy_data.engines.connect.driver_contract import AIOMYSQL
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Answer
from myfy_data.engines.connect.tls import load_tls_context
from myfy_data.engines.connect.transport import abort_transport
from myfy_data.engines.mysql.dialect import adapt_dialect, restore_level
from myfy_data.engines.mysql.driver_connection import DriverConnection
from myfy_data.engines.mysql.error_codes import (
    ACCESS_DENIED,
    ACCESS_DENIED_NO_PASSWORD,
    AWAY,
    DATABASE_DENIED,
    LOCK_WAIT_TIMEOUT,
    LOST_DURING_QUERY,
    TLS_NOT_OFFERED,
    TLS_REQUIRED,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_USER_CONNECTIONS,
    UNKNOWN_DATABASE,
    UNSAFE_LOGIN,
)
from myfy_data.engines.mysql.galera import forgive_rollbacks, has_cluster, is_outside_cluster
from myfy_data.engines.mysql.position import POSITIONS
from myfy_data.engines.mysql.reconnect import attach_reconnect, mark_unverified
from myfy_data.engines.mysql.session import SESSION_TRACK, forget_state, limit_statement, session_statements
from myfy_data.package_contract import unsupported
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.driver_options import AIOMYSQL as AIOMYSQL_OPTIONS
from myfy_data.settings.validation.driver_options import driver_arguments
from myfy_data.suggestions import listed

PORT = 3306
_FOUND_ROWS = 2
"""Client flag: an UPDATE counts the rows it found, as SQLAlchemy expects, not only those it changed."""


class MySQL(Backend[DriverConnection]):
    """Strict aiomysql connections."""

    product = "MySQL"
    connection_limits = "SELECT @@global.max_connections, NULLIF(@@session.max_user_connections, 0), NULL"
    port: int | None = PORT
    version_and_role = "SELECT version(), @@global.read_only, @@global.innodb_read_only"

    positions = POSITIONS

    async def look(self, connection: DriverConnection) -> Look:
        """What MariaDB says, as a node of Galera, a primary or a replica.

        Raises:
            DatabaseConnectionError: it is MySQL, whose replication is not watched here.
        """
        from myfy_data.engines.mysql.look import ask_for_look, read_look  # noqa: PLC0415 - needs the driver

        if "mariadb" not in connection.get_server_info().lower():
            raise self.connect_error(_NOT_WATCHED)
        return read_look(await ask_for_look(connection))

    def is_away(self, error: BaseException) -> bool:
        """Whether it stops, is gone, or is a node of Galera that lost its cluster."""
        number = error.args[0] if error.args else None
        return number in AWAY or is_outside_cluster(error)

    changeable: frozenset[str] = (frozenset(AIOMYSQL_OPTIONS) - {"ssl"}) | {"user", "host", "port", "db"}

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, object]) -> None:
        super().__init__(profile, settings, arguments)
        self.arguments["program_name"] = self.arguments.get("program_name") or default_client_name(profile)
        self.arguments.setdefault("ssl", load_tls_context(profile, self.target, settings))

    @staticmethod
    def build_arguments(settings: DatabaseSettings) -> dict[str, object]:
        """What aiomysql is told, password and TLS excepted. Pure."""
        url = settings.url
        own: dict[str, Any] = {
            "host": url.host or "localhost",
            "port": url.port or PORT,
            "user": url.username,
            "db": url.database,
            "charset": "utf8mb4",
            "client_flag": _FOUND_ROWS | SESSION_TRACK,
            "program_name": settings.application_name or "",
        }
        return own | driver_arguments(settings, url)

    @property
    def address(self) -> str:
        """Host and port, or the socket."""
        return address_of(self.settings.url, PORT)

    async def open(self, secret: Secret | None, arguments: Mapping[str, Any]) -> DriverConnection:
        """Open a strict connection and tell the server what the profile says of each session."""
        from myfy_data.engines.mysql.connection import StrictConnection  # noqa: PLC0415 - needs the driver

        strict: Any = StrictConnection(  # aiomysql ships no types
            **arguments,
            profile=self.profile,
            password=secret.reveal() if secret is not None else "",
            answer_timeout=self.settings.connect_timeout,
            late=self.connect_timeout_error,
            is_local="unix_socket" in arguments or replace(self.settings.url, host=arguments["host"]).is_loopback,
        )
        await strict.open()
        connection: DriverConnection = strict
        try:
            for statement in session_statements(self.settings, connection):
                async with connection.cursor() as cursor:
                    await cursor.execute(statement)
            connection.assume(read_only=self.settings.read_only)
        except BaseException:
            strict.abort()
            raise
        return connection

    def prove(self, connection: DriverConnection) -> None:
        """As for every backend; and the hooks that keep the password were called while it logged in."""
        super().prove(connection)
        if connection.unproven:
            raise unsupported(AIOMYSQL, f"does not call {listed(connection.unproven)} to log in", self.profile)

    def refuses_login(self, error: BaseException) -> bool:
        """Whether MySQL refused user or password."""
        return any(item.args[:1] in ((ACCESS_DENIED,), (ACCESS_DENIED_NO_PASSWORD,)) for item in chain(error))

    def explain_refusal(self, error: BaseException) -> Failure | None:
        """What MySQL refused, by its error number."""
        for item in chain(error):
            code = item.args[0] if item.args else None
            for words, failure in self._by_words().items():
                if words in str(item):
                    return failure
            if isinstance(code, int) and (found := self._explain_code(code, str(item.args[-1]))) is not None:
                return found
        return None

    def _explain_code(self, code: int, text: str) -> Failure | None:
        url = self.settings.url
        known = {
            ACCESS_DENIED: self._refused(),
            ACCESS_DENIED_NO_PASSWORD: self.auth_failure(),
            # With wsrep_sync_wait, which every statement waits for.
            LOCK_WAIT_TIMEOUT: Failure(_NO_MAJORITY, _CLUSTER_FIX),
            TLS_REQUIRED: Failure("the server lets nobody in without TLS", _TLS_FIX),
            DATABASE_DENIED: Failure(f"user {url.username!r} may not use database {url.database!r}", self._grant()),
            UNKNOWN_DATABASE: Failure(f"there is no database {url.database!r}", self._create_database()),
            TOO_MANY_CONNECTIONS: Failure("the server has no connection left", _SLOTS_FIX),
            TOO_MANY_USER_CONNECTIONS: Failure(f"user {url.username!r} has no connection left", _SLOTS_FIX),
            LOST_DURING_QUERY: Failure(f"{self.address} closed the connection", CORRECT_ADDRESS),
            TLS_NOT_OFFERED: Failure(text, SWITCH_TLS_ON),
            UNSAFE_LOGIN: Failure(text, _TLS_FIX),
        }
        return known.get(code)

    def _by_words(self) -> dict[str, Failure]:
        return {
            "WSREP has not yet prepared": Failure(_NO_MAJORITY, _CLUSTER_FIX),
            "'cryptography' package": Failure(
                "this server's way to log in needs a package", "pip install cryptography"
            ),
            "Packet sequence number wrong": Failure(f"{self.address} does not speak MySQL's protocol", CORRECT_ADDRESS),
        }

    def _refused(self) -> Failure:
        failure = self.auth_failure()
        if self.settings.tls_mode != "disable" or self.settings.url.query.get("unix_socket"):
            return failure
        # MariaDB says the same to a client without TLS when it requires TLS.
        return Failure(failure.reason, f"{failure.fix}; if the server wants TLS: {_TLS_FIX}")

    def _create_database(self) -> str:
        url = self.settings.url
        user = f" -u {shlex.quote(url.username)}" if url.username else ""
        statement = shlex.quote(f"CREATE DATABASE `{url.database}`")
        return f"mariadb -h {url.host or 'localhost'} -P {url.port or PORT}{user} -p -e {statement}"

    def _grant(self) -> str:
        url = self.settings.url
        return f"run on the server: GRANT ALL ON `{url.database}`.* TO {url.username}"

    @classmethod
    def describe_server(cls, version: str) -> str:
        """`10.11.6-MariaDB-0+deb12u1` is MariaDB 10.11.6."""
        described = super().describe_server(version)
        return described.replace(cls.product, "MariaDB") if "mariadb" in version.lower() else described

    @classmethod
    async def takes_writes(cls, ask: Ask, answers: Sequence[object]) -> bool:
        """As for every backend; a Galera node takes none without its cluster."""
        return await super().takes_writes(ask, answers) and await has_cluster(ask)

    def discard_state(self, engine: Engine, dbapi_connection: DBAPIConnection) -> None:
        """Reset the session, then say again what it was told when it was opened."""
        settings = self.settings
        adapted(dbapi_connection).run_async(lambda driver: forget_state(driver, settings))
        if settings.isolation_level is not None:
            engine.dialect.set_isolation_level(dbapi_connection, settings.isolation_level)
        restore_level(engine.dialect, dbapi_connection, settings)

    async def ping(self, connection: DriverConnection) -> None:
        """One round trip; a new connection is never opened in its place."""
        await connection.ping(reconnect=False)

    async def ask(self, connection: DriverConnection, question: str) -> Sequence[Answer]:
        """The rows of a SELECT."""
        async with connection.cursor() as cursor:
            await cursor.execute(question)
            return await cursor.fetchall()

    def has_begun(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether the server has not said that no transaction is open."""
        return bool(adapted(dbapi_connection).driver_connection.ends_by_message)

    def may_have_written(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether the server has said that the transaction did more than read, or has not said what it did."""
        return bool(adapted(dbapi_connection).driver_connection.transaction.may_have_worked)

    def is_closed(self, connection: DriverConnection) -> bool:
        """Whether aiomysql has closed it, or has seen the server's end of it, or the transport closes."""
        writer, reader = connection._writer, connection._reader  # noqa: SLF001 - no other way
        return bool(writer is None or getattr(reader, "eof_received", False) or writer.transport.is_closing())

    async def close(self, connection: DriverConnection) -> None:
        """Close politely."""
        await connection.ensure_closed()

    def abort(self, connection: DriverConnection) -> None:
        """Close without waiting."""
        abort_transport(self.transport(connection))
        connection._writer = connection._reader = None  # noqa: SLF001 - its own close() would ask a closed loop

    def transport(self, connection: DriverConnection) -> asyncio.WriteTransport | None:
        """The socket's transport; aiomysql has no public name for it."""
        writer = getattr(connection, "_writer", None)
        return writer.transport if writer is not None else None

    async def renew(self, connection: DriverConnection, before: DatabaseSettings) -> bool:
        """Both deadlines can be changed while a connection is idle."""
        now = self.settings
        if now.statement_timeout != before.statement_timeout:
            with connection.transaction.unmanaged():
                await connection.query(limit_statement(now, connection))
        connection.settle(now.command_timeout)
        return True

    def attach_events(self, engine: Engine) -> None:
        """Adapt the dialect: its own methods cost nothing where they are not called."""
        event.listen(engine, "connect", self._settle)
        forgive_rollbacks(engine)
        adapt_dialect(engine, self.settings)
        attach_reconnect(engine)
        self._engine = engine

    def mark_unverified(self, dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """A first statement that can only read proves the connection, and is sent again on another one."""
        mark_unverified(self._engine, dbapi_connection, record)

    def _settle(self, dbapi_connection: DBAPIConnection, _record: object) -> None:
        # After SQLAlchemy's own listener, which sends SET NAMES: that belongs to connecting.
        adapted(dbapi_connection).driver_connection.settle(self.settings.command_timeout)


_NOT_WATCHED = Failure(
    "several servers are watched on MariaDB and Galera, and this is MySQL",
    "give one host, an address that leads to the primary: MySQL Router, or the cluster's own",
)
_SLOTS_FIX = "lower pool_size and max_overflow, or raise the server's max_connections"
_TLS_FIX = 'tls = "verify-full", or "require" where you trust the line'
_NO_MAJORITY = "the server is a node of a cluster that has no majority"
_CLUSTER_FIX = "wait until the other nodes are back, or connect to one that is with the majority"
