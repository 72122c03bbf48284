"""PostgreSQL through asyncpg (contract C9)."""

from __future__ import annotations

import asyncio
import shlex
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.connect.backend import MAY_END_TRANSACTION, READ_ONLY, Backend, adapted
from myfy_data.engines.connect.client_name import default_client_name
from myfy_data.engines.connect.connect_errors import (
    CORRECT_ADDRESS,
    SWITCH_TLS_ON,
    Failure,
    UnsafeLoginError,
    address_of,
    chain,
)
from myfy_data.engines.connect.driver_contract import ASYNCPG
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Answer
from myfy_data.engines.connect.tls import load_tls_context
from myfy_data.engines.connect.transport import CLOSE_TIMEOUT, abort_transport
from myfy_data.engines.observation import Hold
from myfy_data.engines.pool.loop_affinity import cancel_again
from myfy_data.engines.postgresql.deferred_begin import attach_deferred_begin
from myfy_data.engines.postgresql.driver_connection import DriverConnection, line_of
from myfy_data.engines.postgresql.engine import begin_for_listeners
from myfy_data.engines.postgresql.execution_options import MayEndTransaction, SessionReadOnly
from myfy_data.engines.postgresql.look import LOOK, read_look
from myfy_data.engines.postgresql.message_gate import DISCARD
from myfy_data.engines.postgresql.pgbouncer import attach_pgbouncer
from myfy_data.engines.postgresql.position import POSITIONS
from myfy_data.engines.postgresql.reconnect import OptimisticReconnect
from myfy_data.engines.postgresql.sqlstates import (
    AUTHORIZATION_CLASS,
    CONNECTION_CLASS,
    INVALID_AUTHORIZATION,
    STARTING_CLASS,
    STOPPING,
    TOO_MANY_CONNECTIONS,
    UNKNOWN_DATABASE,
    WRONG_LOGIN,
)
from myfy_data.package_contract import unsupported
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.driver_options import ADAPTER_OPTIONS, driver_arguments
from myfy_data.settings.validation.driver_options import ASYNCPG as ASYNCPG_OPTIONS

if TYPE_CHECKING:
    from myfy_data.engines.postgresql.connection import GatedConnection

PORT = 5432
STATEMENT_CACHE = 1000
"""Prepared statements kept per connection; at SQLAlchemy's 100, 400 different ones cost three round trips each."""


def postgresql_arguments(settings: DatabaseSettings) -> dict[str, object]:
    """What asyncpg and SQLAlchemy's adapter are told, password and TLS excepted. Pure."""
    url = settings.url
    given = driver_arguments(settings, url)
    own: dict[str, object] = {
        **_hosts(url),
        "user": url.username,
        "database": url.database,
        "command_timeout": settings.command_timeout,
        # connect_timeout is the one that counts, and ours; asyncpg's must only not be shorter.
        "timeout": settings.connect_timeout + 1,
        "prepared_statement_cache_size": STATEMENT_CACHE,
    }
    if settings.pooler == "pgbouncer":
        own |= _UNPREPARED
    server = _server_settings(settings) | given.pop("server_settings", {})
    unprepared = _UNPREPARED if settings.discards_state else {}
    return own | given | ({"server_settings": server} if server else {}) | unprepared


_UNPREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
"""`DISCARD ALL` drops prepared statements, so none is relied on. An unnamed one is replaced by the next: nothing is
left to be closed, which would be a round trip, or behind on a server connection that another client gets next."""


def _hosts(url: ConnectionURL) -> dict[str, object]:
    """Host and port; of several, asyncpg tries one after the other."""
    if len(url.hosts) == 1:
        [(host, port)] = url.hosts
        return {"host": host, "port": port}
    return {"host": [host for host, _ in url.hosts], "port": [port or PORT for _, port in url.hosts]}


def _server_settings(settings: DatabaseSettings) -> dict[str, str]:
    server: dict[str, str] = {}
    if settings.application_name:
        server["application_name"] = settings.application_name
    if settings.pooler == "pgbouncer":
        return server  # it refuses every other one
    if settings.statement_timeout is not None:
        server["statement_timeout"] = _milliseconds(settings)
    if settings.read_only:
        server["default_transaction_read_only"] = "on"
    return server


def _milliseconds(settings: DatabaseSettings) -> str:
    return str(max(1, round((settings.statement_timeout or 0) * 1000)))  # 0 would mean no limit


class PostgreSQL(Backend[DriverConnection]):
    """asyncpg connections."""

    proves_itself = True
    changeable: frozenset[str] = (frozenset(ASYNCPG_OPTIONS) - {"ssl"} - ADAPTER_OPTIONS.keys()) | {
        "user",
        "host",
        "port",
        "database",
    }

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, object]) -> None:
        super().__init__(profile, settings, {key: arguments[key] for key in arguments.keys() - ADAPTER_OPTIONS.keys()})
        self.adapter: Mapping[str, Any] = {key: arguments[key] for key in arguments.keys() & ADAPTER_OPTIONS.keys()}
        self._name_client()
        # False for disable: without an argument asyncpg would prefer TLS and fall back.
        mode = settings.tls_mode
        context = load_tls_context(profile, self.target, settings)
        self.arguments.setdefault("ssl", context or (mode if mode == "prefer" else False))

    def _name_client(self) -> None:
        """A part of the start-up message, so it costs no round trip; what was said stays."""
        told = self.arguments.get("server_settings", {})
        own = {"application_name": default_client_name(self.profile)}
        self.unsaid: frozenset[str] = frozenset(own.keys() - told.keys())
        self.arguments["server_settings"] = {**own, **told}

    product = "PostgreSQL"
    connection_limits = """SELECT
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true), '0')::int,
        CASE WHEN NOT rolsuper THEN nullif(rolconnlimit, -1) END,
        CASE WHEN NOT rolsuper THEN nullif(datconnlimit, -1) END
        FROM pg_roles, pg_database WHERE rolname = session_user AND datname = current_database()"""
    port: int | None = PORT
    version_and_role = "SELECT current_setting('server_version'), current_setting('transaction_read_only')"

    positions = POSITIONS

    async def look(self, connection: DriverConnection) -> Look:
        """A standby is behind by the age of the last transaction that it applied, unless it has all that there is."""
        [row] = await self.ask(connection, LOOK)
        return read_look(row, self.settings.url.username)

    def is_away(self, error: BaseException) -> bool:
        """Whether it stops or starts, or its connection ended."""
        state = str(getattr(error, "sqlstate", None) or "")
        return state in STOPPING or state.startswith(CONNECTION_CLASS) or _is_closed(error)

    @staticmethod
    def build_arguments(settings: DatabaseSettings) -> dict[str, object]:
        """What asyncpg is told, password and TLS excepted. Pure."""
        return postgresql_arguments(settings)

    @property
    def address(self) -> str:
        """Host and port."""
        return address_of(self.settings.url, PORT)

    async def open(self, secret: Secret | None, arguments: Mapping[str, object]) -> DriverConnection:
        """Open an asyncpg connection, by a log-in that gives no password away."""
        from myfy_data.engines.postgresql.protocol import open_gated  # noqa: PLC0415 - the driver may be absent until now

        return await open_gated(arguments, secret, read_only=self.stays_read_only)

    def prove(self, connection: DriverConnection) -> None:
        """As for every connection, and that our part of the log-in was not passed by.

        Raises:
            UnsupportedPackageError: asyncpg did not let us read what the server asked for.
        """
        super().prove(connection)
        if not getattr(connection._protocol, "is_logged_in", False):  # noqa: SLF001 - asyncpg has no public name for it
            raise unsupported(ASYNCPG, "has logged in past what refuses a password in clear text", self.profile)

    @property
    def stays_read_only(self) -> bool:
        """Whether the server refuses every write of the profile's connections from the start."""
        return self.settings.read_only and self.settings.pooler == "none"

    def refuses_login(self, error: BaseException) -> bool:
        """Whether PostgreSQL refused user or password; what pg_hba.conf refuses is refused with any password."""
        code = getattr(error, "sqlstate", None)
        return code == WRONG_LOGIN or (code == INVALID_AUTHORIZATION and "pg_hba" not in str(error))

    def explain_refusal(self, error: BaseException) -> Failure | None:
        """What PostgreSQL refused, by SQLSTATE."""
        code = getattr(error, "sqlstate", None)
        unsafe = next((item for item in chain(error) if isinstance(item, UnsafeLoginError)), None)
        if unsafe is not None:
            return unsafe.failure
        if "rejected SSL upgrade" in str(error) and self.settings.tls_mode != "prefer":
            return Failure(f"{self.address} offers no TLS", SWITCH_TLS_ON)
        if code is None:
            return self._explain_protocol(error)
        return self._explain_code(code, " ".join(str(error).split()))

    def _explain_code(self, code: str, text: str) -> Failure | None:
        if code == INVALID_AUTHORIZATION and "pg_hba" in text:
            return Failure(f"the server lets nobody in like this: {text}", "add a line to the server's pg_hba.conf")
        if "unsupported startup parameter" in text:
            return Failure("a pooler stands in between, which refuses start-up settings", 'pooler = "pgbouncer"')
        url = self.settings.url
        known = {
            AUTHORIZATION_CLASS: self.auth_failure(),
            UNKNOWN_DATABASE: Failure(
                f"there is no database {url.database or url.username!r}", self._create_database()
            ),
            TOO_MANY_CONNECTIONS: Failure("the server has no connection left", _SLOTS_FIX),
            STARTING_CLASS: Failure(f"the server is not ready: {text}", "wait until it has started, then try again"),
            CONNECTION_CLASS: self._not_postgresql(),
        }
        return next((failure for prefix, failure in known.items() if code.startswith(prefix)), None)

    def _explain_protocol(self, error: BaseException) -> Failure | None:
        lost = isinstance(error, ConnectionError | EOFError) and not isinstance(error, ConnectionRefusedError)
        return self._not_postgresql() if lost else None

    def _not_postgresql(self) -> Failure:
        return Failure(
            f"{self.address} closed the connection or does not speak PostgreSQL's protocol",
            CORRECT_ADDRESS,
        )

    def _create_database(self) -> str:
        url = self.settings.url
        user = f" -U {shlex.quote(url.username)}" if url.username else ""
        name = shlex.quote(url.database or url.username or "app")
        host, port = url.hosts[0]
        return f"createdb -h {host or 'localhost'} -p {port or PORT}{user} {name}"

    def discard_state(self, engine: Engine, dbapi_connection: DBAPIConnection) -> None:  # noqa: ARG002 - MySQL needs the engine
        """DISCARD ALL, outside of any transaction."""
        dbapi_connection.rollback()  # sends nothing when nothing is open; DISCARD ALL is refused inside a transaction
        adapted(dbapi_connection).run_async(lambda driver: driver.execute(DISCARD))

    def adopt(self, settings: DatabaseSettings) -> None:
        """As every backend; the limit of a statement is a setting of the server's session."""
        super().adopt(settings)
        self.arguments["server_settings"] = self.build_arguments(settings).get("server_settings", {})
        self._name_client()

    async def renew(self, connection: DriverConnection, before: DatabaseSettings) -> bool:
        """Asyncpg has no public way to change the one, and a start-up value cannot be taken back but by a new start."""
        now = self.settings
        if now.statement_timeout != before.statement_timeout and now.pooler != "pgbouncer":
            if now.statement_timeout is None or now.discards_state:
                return False
            await line_of(connection).send(f"SET statement_timeout = {_milliseconds(now)}")
        connection._config = connection._config._replace(command_timeout=now.command_timeout)  # noqa: SLF001 - as above
        return True

    async def ping(self, connection: DriverConnection) -> None:
        """One round trip in the simple protocol; an empty query would fail in asyncpg."""
        await line_of(connection).send("SELECT 1")

    async def ask(self, connection: DriverConnection, question: str) -> Sequence[Answer]:
        """The rows of a SELECT."""
        return await connection.fetch(question)

    def open_door(self, dbapi_connection: DBAPIConnection, hold: Hold | None) -> None:
        """Tell of the messages that pass the connection's gate."""
        dbapi_connection.gate.door = hold

    def has_begun(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether the server was told of the transaction; of one that has only read it was not."""
        transaction = dbapi_connection._transaction  # noqa: SLF001 - as its other users
        line = dbapi_connection.driver_connection._protocol  # noqa: SLF001 - as in `ping`
        told = transaction is not None and not transaction.is_due
        return told or (line is not None and not line.is_dead and line.is_in_block)

    def is_closed(self, connection: DriverConnection) -> bool:
        """Whether asyncpg knows that it is closed."""
        line = connection._protocol  # noqa: SLF001 - `is_closed()` also asks whether another line could be had
        return line is None or line.is_dead or connection._transport.is_closing()  # noqa: SLF001 - as in `transport`

    async def close(self, connection: DriverConnection) -> None:
        """Close politely."""
        await connection.close()

    def abort(self, connection: DriverConnection) -> None:
        """Close without waiting."""
        transport = self.transport(connection)
        with suppress(RuntimeError):  # its loop is closed
            connection.terminate()
        abort_transport(transport)

    def transport(self, connection: DriverConnection) -> asyncio.WriteTransport | None:
        """The socket's transport; asyncpg has no public name for it."""
        transport: asyncio.WriteTransport | None = getattr(connection, "_transport", None)
        return transport

    def attach_events(self, engine: Engine) -> None:
        """Begin transactions late; after a statement that got no answer, do not wait long for the disconnect."""
        from myfy_data.engines.postgresql.connection import GatedModule  # noqa: PLC0415 - as above

        event.listen(engine, "invalidate", _hurry)
        event.listen(engine, "connect", _note_record)
        begin_for_listeners(engine)
        attach_deferred_begin(engine, self.settings)
        attach_pgbouncer(engine, self.profile, self.settings)
        dialect: Any = engine.dialect
        dialect.dbapi = dialect.loaded_dbapi = GatedModule(dialect.loaded_dbapi.asyncpg, self._prepare)
        options = {
            READ_ONLY: SessionReadOnly(always=self._is_read_only, by_session=self.settings.pooler == "none"),
            MAY_END_TRANSACTION: MayEndTransaction(always=self._may_end_transaction),
        }
        dialect.connection_characteristics = dialect.connection_characteristics.union(options)
        self._reconnect = OptimisticReconnect(engine, self)

    def _prepare(self, connection: GatedConnection) -> None:
        # SQLAlchemy asks for the options that an engine was created with before the dialect knows ours.
        connection.profile, connection.may_end_transaction = self.profile, self._may_end_transaction
        connection.gate.reader = self.profile if self._is_read_only else ""
        if self.settings.pooler == "none":
            connection.gate.wants_read_only = self._is_read_only

    @property
    def _is_read_only(self) -> bool:
        return self.settings.read_only or bool(self.settings.execution_options.get(READ_ONLY))

    @property
    def _may_end_transaction(self) -> bool:
        return bool(self.settings.execution_options.get(MAY_END_TRANSACTION))

    def mark_unverified(self, dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """The first message that passes the connection's gate proves it."""
        self._reconnect.mark_unverified(dbapi_connection, record)


def _note_record(dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    dbapi_connection.record = weakref.ref(record)


def _hurry(dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, error: BaseException | None) -> None:
    # SQLAlchemy gives the disconnect two seconds, on top of the time that the statement was given.
    if not isinstance(error, TimeoutError | asyncio.CancelledError):
        return
    with suppress(OSError, MissingGreenlet):
        adapted(dbapi_connection).run_async(lambda driver: _close_in_time(driver, error))


async def _close_in_time(driver: DriverConnection, error: BaseException) -> None:
    """Let the server cancel the statement, and close; raises no cancellation, which would lose the pool's place."""
    try:
        # Our own bound: asyncpg's does not cover its wait for the cancelled statement in every version.
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await driver.close()
    except asyncio.CancelledError:
        driver.terminate()
        if not isinstance(error, asyncio.CancelledError):
            cancel_again()


_SLOTS_FIX = "lower pool_size and max_overflow, or raise the server's max_connections"


def _is_closed(error: BaseException) -> bool:
    """Whether asyncpg says that its connection is closed, in words alone; SQLAlchemy did not wrap it yet."""
    return type(error).__module__.startswith("asyncpg") and str(error) == "connection is closed"
