"""PostgreSQL through asyncpg (contract C9)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.backend import MAY_END_TRANSACTION, READ_ONLY, Backend, abort_transport, adapted
from myfy_data.engines.deferred_begin import attach_deferred_begin
from myfy_data.engines.driver_contract import ASYNCPG
from myfy_data.engines.failures import CORRECT_ADDRESS, Failure, UnsafeLoginError, address_of, chain
from myfy_data.engines.home import cancel_again
from myfy_data.engines.postgresql_options import MayEndTransaction, SessionReadOnly
from myfy_data.engines.reconnect import OptimisticReconnect
from myfy_data.engines.tls import load_tls_context
from myfy_data.package_contract import unsupported
from myfy_data.redaction import Secret
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.pooling import pooler_conflicts
from myfy_data.settings.urls import ConnectionURL

PORT = 5432
STATEMENT_CACHE = 1000
"""Prepared statements kept per connection; at SQLAlchemy's 100, 400 different ones cost three round trips each."""

_FAREWELL = 0.5
"""Seconds that a connection is given to cancel and say good-bye after its statement timed out."""

_ADAPTER_KEYS = frozenset({"prepared_statement_cache_size", "prepared_statement_name_func"})
NUMBERS = frozenset(
    {
        "statement_cache_size",
        "max_cached_statement_lifetime",
        "max_cacheable_statement_size",
        "prepared_statement_cache_size",
    }
)

OPTIONS = _ADAPTER_KEYS | frozenset(
    {
        "connection_class",
        "direct_tls",
        "gsslib",
        "krbsrvname",
        "max_cacheable_statement_size",
        "max_cached_statement_lifetime",
        "record_class",
        "server_settings",
        "ssl",
        "statement_cache_size",
        "target_session_attrs",
    }
)
"""What `connect_args` and a URL's query may hold; the rest has a key of its own in the profile."""


def postgresql_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """What cannot work together on PostgreSQL: key, message, fix."""
    if settings.isolation_level == "READ UNCOMMITTED":
        yield "isolation_level", "PostgreSQL has no READ UNCOMMITTED", 'isolation_level = "READ COMMITTED"'
    for path, message, fix in pooler_conflicts(settings):
        yield ".".join(path), message, fix


def postgresql_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    """What asyncpg and SQLAlchemy's adapter are told, password and TLS excepted. Pure."""
    url = settings.url
    given = {**url.query, **settings.connect_args}
    given.pop("host", None)
    own: dict[str, Any] = {
        **_hosts(url),
        "user": url.username,
        "database": url.database,
        "command_timeout": settings.command_timeout,
        # connect_timeout is the one that counts, and ours; asyncpg's must only not be shorter.
        "timeout": settings.connect_timeout + 1,
        "prepared_statement_cache_size": STATEMENT_CACHE,
    }
    if settings.pooler == "pgbouncer":
        own |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": _unnamed}
    server = _server_settings(settings) | given.pop("server_settings", {})
    merged = own | {key: int(value) if key in NUMBERS else value for key, value in given.items()}
    return merged | ({"server_settings": server} if server else {})


def _unnamed() -> str:
    # An unnamed statement cannot be left behind on a server connection that another client gets next.
    return ""


def _hosts(url: ConnectionURL) -> dict[str, Any]:
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


class PostgreSQL(Backend):
    """asyncpg connections."""

    keeps_read_only = True
    proves_itself = True
    changeable = (OPTIONS - {"ssl"} - _ADAPTER_KEYS) | {"user", "host", "port", "database"}

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, Any]) -> None:
        super().__init__(profile, settings, {key: arguments[key] for key in arguments.keys() - _ADAPTER_KEYS})
        self.adapter = {key: arguments[key] for key in arguments.keys() & _ADAPTER_KEYS}
        # False for disable: without an argument asyncpg would prefer TLS and fall back.
        mode = settings.tls_mode
        context = load_tls_context(profile, self.target, settings)
        self.arguments.setdefault("ssl", context or (mode if mode == "prefer" else False))

    @property
    def address(self) -> str:
        """Host and port."""
        return address_of(self.settings.url, PORT)

    async def open(self, secret: Secret | None, arguments: Mapping[str, Any]) -> Any:
        """Open an asyncpg connection, by a log-in that gives no password away."""
        from myfy_data.engines.asyncpg_protocol import open_gated  # noqa: PLC0415 - the driver may be absent until now

        return await open_gated(arguments, secret, read_only=self.stays_read_only)

    def prove(self, connection: Any) -> None:
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

    def explain_refusal(self, error: BaseException) -> Failure | None:
        """What PostgreSQL refused, by SQLSTATE."""
        code = getattr(error, "sqlstate", None)
        unsafe = next((item for item in chain(error) if isinstance(item, UnsafeLoginError)), None)
        if unsafe is not None:
            return unsafe.failure
        if "rejected SSL upgrade" in str(error) and self.settings.tls_mode != "prefer":
            return Failure(f"{self.address} offers no TLS", 'switch TLS on in the server, or write tls = "disable"')
        if code is None:
            return self._explain_protocol(error)
        return self._explain_code(code, " ".join(str(error).split()))

    def _explain_code(self, code: str, text: str) -> Failure | None:
        if code == "28000" and "pg_hba" in text:
            return Failure(f"the server lets nobody in like this: {text}", "add a line to the server's pg_hba.conf")
        if "unsupported startup parameter" in text:
            return Failure("a pooler stands in between, which refuses start-up settings", 'pooler = "pgbouncer"')
        url = self.settings.url
        known = {
            "28": self.refused(),
            "3D000": Failure(f"there is no database {url.database or url.username!r}", self._create_database()),
            "53300": Failure("the server has no connection left", _SLOTS_FIX),
            "57P0": Failure(f"the server is not ready: {text}", "wait until it has started, then try again"),
            "08": self._not_postgresql(),
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

    async def ping(self, connection: Any) -> None:
        """One round trip in the simple protocol; an empty query would fail in asyncpg."""
        await connection.execute("SELECT 1")

    async def ask(self, connection: Any, question: str) -> Sequence[Any]:
        """The rows of a SELECT."""
        rows: Sequence[Any] = await connection.fetch(question)
        return rows

    def seems_closed(self, connection: Any) -> bool:
        """Whether asyncpg knows that it is closed."""
        return bool(connection.is_closed())

    async def close(self, connection: Any) -> None:
        """Close politely."""
        await connection.close()

    def abort(self, connection: Any) -> None:
        """Close without waiting."""
        transport = self.transport(connection)
        with suppress(RuntimeError):  # its loop is closed
            connection.terminate()
        abort_transport(transport)

    def transport(self, connection: Any) -> asyncio.WriteTransport | None:
        """The socket's transport; asyncpg has no public name for it."""
        transport: asyncio.WriteTransport | None = getattr(connection, "_transport", None)
        return transport

    def listen(self, engine: Engine) -> None:
        """Begin transactions late; after a statement that got no answer, do not wait long for the good-bye."""
        from myfy_data.engines.asyncpg_connection import GatedModule  # noqa: PLC0415 - as above

        event.listen(engine, "invalidate", _hurry)
        attach_deferred_begin(engine, self.settings)
        dialect: Any = engine.dialect
        dialect.dbapi = dialect.loaded_dbapi = GatedModule(dialect.loaded_dbapi.asyncpg, self._prepare)
        options = {
            READ_ONLY: SessionReadOnly(always=self._is_read_only, by_session=self.settings.pooler == "none"),
            MAY_END_TRANSACTION: MayEndTransaction(always=self._may_end_transaction),
        }
        dialect.connection_characteristics = dialect.connection_characteristics.union(options)
        self._reconnect = OptimisticReconnect(engine)

    def _prepare(self, connection: Any) -> None:
        # SQLAlchemy asks for the options that an engine was created with before the dialect knows ours.
        connection.profile, connection.may_end_transaction = self.profile, self._may_end_transaction
        if self.settings.pooler == "none":
            connection.gate.wants_read_only = self._is_read_only

    @property
    def _is_read_only(self) -> bool:
        return self.settings.read_only or bool(self.settings.execution_options.get(READ_ONLY))

    @property
    def _may_end_transaction(self) -> bool:
        return bool(self.settings.execution_options.get(MAY_END_TRANSACTION))

    def mark_unverified(self, dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        """The first message that passes the connection's gate proves it."""
        self._reconnect.mark_unverified(dbapi_connection, record)


def _hurry(dbapi_connection: Any, _record: Any, error: BaseException | None) -> None:
    # SQLAlchemy gives the good-bye two seconds, on top of the time that the statement was given.
    if not isinstance(error, TimeoutError | asyncio.CancelledError):
        return
    with suppress(OSError, MissingGreenlet):
        adapted(dbapi_connection).run_async(lambda driver: _say_goodbye(driver, error))


async def _say_goodbye(driver: Any, error: BaseException) -> None:
    """Let the server cancel the statement, and close; raises no cancellation, which would lose the pool's place."""
    try:
        # Our own bound: asyncpg's does not cover its wait for the cancelled statement in every version.
        async with asyncio.timeout(_FAREWELL):
            await driver.close()
    except asyncio.CancelledError:
        driver.terminate()
        if not isinstance(error, asyncio.CancelledError):
            cancel_again()


_SLOTS_FIX = "lower pool_size and max_overflow, or raise the server's max_connections"
