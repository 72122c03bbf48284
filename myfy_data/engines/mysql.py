"""MySQL and MariaDB through aiomysql (contract C9)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, event

from myfy_data.engines.backend import Backend, abort_transport, adapted
from myfy_data.engines.cluster import forgive_rollbacks
from myfy_data.engines.driver_contract import AIOMYSQL
from myfy_data.engines.failures import CORRECT_ADDRESS, Failure, address_of, chain
from myfy_data.engines.mysql_dialect import adapt_dialect
from myfy_data.engines.tls import load_tls_context
from myfy_data.package_contract import unsupported
from myfy_data.redaction import Secret
from myfy_data.settings.models import DatabaseSettings
from myfy_data.suggestions import listed

PORT = 3306
TLS_NOT_OFFERED = 9001
UNSAFE_LOGIN = 9002
"""Error numbers of ours, beyond those that servers and clients use."""

_FOUND_ROWS = 2
"""Client flag: an UPDATE counts the rows it found, as SQLAlchemy expects, not only those it changed."""

SESSION_TRACK = 0x800000
"""Client flag and the server's own: answers may tell how the session's state changed."""

OPTIONS = frozenset({"auth_plugin", "charset", "init_command", "server_public_key", "sql_mode", "ssl", "unix_socket"})
"""What `connect_args` and a URL's query may hold; `local_infile` and raw client flags are not among them."""


def mysql_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """What cannot work together on MySQL: key, message, fix."""
    if settings.pooler != "none":
        yield "pooler", f"{settings.pooler!r} stands before PostgreSQL only", 'pooler = "none"'


def mysql_arguments(settings: DatabaseSettings) -> dict[str, Any]:
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
    return {**own, **url.query, **settings.connect_args}


class MySQL(Backend):
    """Strict aiomysql connections."""

    keeps_read_only = True

    changeable = (OPTIONS - {"ssl"}) | {"user", "host", "port", "db"}

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, Any]) -> None:
        super().__init__(profile, settings, arguments)
        self.arguments.setdefault("ssl", load_tls_context(profile, self.target, settings))

    @property
    def address(self) -> str:
        """Host and port, or the socket."""
        return address_of(self.settings.url, PORT)

    async def open(self, secret: Secret | None, arguments: Mapping[str, Any]) -> Any:
        """Open a strict connection and tell the server what the profile says of each session."""
        from myfy_data.engines.mysql_connection import StrictConnection  # noqa: PLC0415 - needs the driver

        connection = StrictConnection(
            **arguments,
            profile=self.profile,
            password=secret.reveal() if secret is not None else "",
            answer_timeout=self.settings.connect_timeout,
            late=self.late,
            is_local="unix_socket" in arguments or replace(self.settings.url, host=arguments["host"]).is_loopback,
        )
        await connection.open()
        try:
            for statement in session_statements(self.settings, connection):
                async with connection.cursor() as cursor:
                    await cursor.execute(statement)
            connection.assume(read_only=self.settings.read_only)
        except BaseException:
            connection.abort()
            raise
        return connection

    def prove(self, connection: Any) -> None:
        """As for every backend; and the hooks that keep the password were called while it logged in."""
        super().prove(connection)
        if connection.unproven:
            raise unsupported(AIOMYSQL, f"does not call {listed(connection.unproven)} to log in", self.profile)

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
            1045: self._refused(),
            1698: self.refused(),
            1205: Failure(_NO_MAJORITY, _CLUSTER_FIX),  # with wsrep_sync_wait, which every statement waits for
            3159: Failure("the server lets nobody in without TLS", _TLS_FIX),
            1044: Failure(f"user {url.username!r} may not use database {url.database!r}", self._grant()),
            1049: Failure(f"there is no database {url.database!r}", self._create_database()),
            1040: Failure("the server has no connection left", _SLOTS_FIX),
            1203: Failure(f"user {url.username!r} has no connection left", _SLOTS_FIX),
            2013: Failure(f"{self.address} closed the connection", CORRECT_ADDRESS),
            TLS_NOT_OFFERED: Failure(text, 'switch TLS on in the server, or write tls = "disable"'),
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
        failure = self.refused()
        if self.settings.tls_mode != "disable" or self.settings.url.query.get("unix_socket"):
            return failure
        # MariaDB says the same to whoever comes without TLS when it asks for that.
        return Failure(failure.reason, f"{failure.fix}; if the server wants TLS: {_TLS_FIX}")

    def _create_database(self) -> str:
        url = self.settings.url
        user = f" -u {shlex.quote(url.username)}" if url.username else ""
        statement = shlex.quote(f"CREATE DATABASE `{url.database}`")
        return f"mariadb -h {url.host or 'localhost'} -P {url.port or PORT}{user} -p -e {statement}"

    def _grant(self) -> str:
        url = self.settings.url
        return f"run on the server: GRANT ALL ON `{url.database}`.* TO {url.username}"

    async def ping(self, connection: Any) -> None:
        """One round trip; a new connection is never opened in its place."""
        await connection.ping(reconnect=False)

    async def ask(self, connection: Any, question: str) -> Sequence[Any]:
        """The rows of a SELECT."""
        async with connection.cursor() as cursor:
            await cursor.execute(question)
            rows: Sequence[Any] = await cursor.fetchall()
            return rows

    def seems_closed(self, connection: Any) -> bool:
        """Whether aiomysql has closed it, or has heard the server's end of it."""
        return bool(connection.closed or getattr(connection._reader, "eof_received", False))  # noqa: SLF001 - no other way

    async def close(self, connection: Any) -> None:
        """Close politely."""
        await connection.ensure_closed()

    def abort(self, connection: Any) -> None:
        """Close without waiting."""
        abort_transport(self.transport(connection))
        connection._writer = connection._reader = None  # noqa: SLF001 - its own close() would ask a closed loop

    def transport(self, connection: Any) -> asyncio.WriteTransport | None:
        """The socket's transport; aiomysql has no public name for it."""
        writer = getattr(connection, "_writer", None)
        return writer.transport if writer is not None else None

    def listen(self, engine: Engine) -> None:
        """Adapt the dialect: its own methods cost nothing where they are not called."""
        event.listen(engine, "connect", self._settle)
        forgive_rollbacks(engine)
        adapt_dialect(engine, self.settings)

    def _settle(self, dbapi_connection: Any, _record: object) -> None:
        # After SQLAlchemy's own listener, which sends SET NAMES: that belongs to connecting.
        adapted(dbapi_connection).driver_connection.settle(self.settings.command_timeout)


def session_statements(settings: DatabaseSettings, driver: Any) -> Iterator[str]:
    """What a new connection is told; MariaDB and MySQL limit a statement's time in words and units of their own."""
    is_mariadb = "mariadb" in driver.get_server_info().lower()
    variables = []
    if driver.server_capabilities & SESSION_TRACK:
        prefix = "tx" if is_mariadb else "transaction"
        tracked = f"autocommit,{prefix}_read_only,{prefix}_isolation"
        variables = ["session_track_transaction_info = 'STATE'", f"session_track_system_variables = '{tracked}'"]
    if settings.statement_timeout is not None:
        if is_mariadb:
            variables.append(f"max_statement_time = {settings.statement_timeout:.6f}")
        else:
            variables.append(f"max_execution_time = {max(1, round(settings.statement_timeout * 1000))}")
    if variables:
        yield f"SET SESSION {', SESSION '.join(variables)}"
    if settings.read_only:
        yield "SET SESSION TRANSACTION READ ONLY"


_SLOTS_FIX = "lower pool_size and max_overflow, or raise the server's max_connections"
_TLS_FIX = 'tls = "verify-full", or "require" where you trust the line'
_NO_MAJORITY = "the server is a node of a cluster that has no majority"
_CLUSTER_FIX = "wait until the other nodes are back, or connect to one that is with the majority"
