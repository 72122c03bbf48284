"""What each database room offers to the engine: connect, ping, close, abort, and words for failures."""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.arrivals import Arrivals
from myfy_data.engines.credentials import load_password
from myfy_data.engines.failures import Failure, explain_network, harmless, other_failure, target_of, without_frames
from myfy_data.engines.protection import prove_line, verify_connection
from myfy_data.errors import (
    ConnectTimeoutError,
    DatabaseConnectionError,
    DataModuleError,
    UnsupportedPackageError,
    closed_engine,
)
from myfy_data.redaction import Secret
from myfy_data.settings.models import DatabaseSettings

READ_ONLY = "myfy_read_only"
"""Execution option: the server refuses the writes of this connection (contract C5.10)."""

MAY_END_TRANSACTION = "myfy_may_end_transaction"
"""Execution option: a statement may end the transactions of this connection, as migrations do (contract C16.4)."""


@dataclass(frozen=True, slots=True)
class Login:
    """What `do_connect` listeners want one connection to be opened with.

    Attributes:
        arguments: what the driver's `connect` is told, password excepted.
        secret: the password; None for the profile's own.
    """

    arguments: Mapping[str, Any]
    secret: Secret | None


class Backend(ABC):
    """One database as one engine uses it.

    Attributes:
        profile: the profile's name.
        settings: the profile's settings.
        arguments: what the driver's `connect` is told, password excepted.
        target: the server in words, without a password.
        connections: driver connections that were opened and are not collected yet.
        arrivals: those that are being opened.
        is_handed_passwords: whether `do_connect` listeners give the passwords.
    """

    is_handed_passwords = False

    changeable: frozenset[str] = frozenset()
    """Arguments that `do_connect` listeners may change, beside the password."""

    adapter: Mapping[str, Any] = {}
    """Arguments of SQLAlchemy's adapter around the driver connection."""

    needs_liveness = True
    """Whether an idle connection can die, so that it is checked before use."""

    keeps_read_only = False
    """Whether a read-only session makes its connection read-only, and a writing one must change it back."""

    proves_itself = False
    """Whether the first message on each connection is watched: see `mark_unverified`."""

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, Any]) -> None:
        self.profile = profile
        self.settings = settings
        self.arguments = dict(arguments)
        self.target = target_of(settings.url)
        self.connections: weakref.WeakSet[Any] = weakref.WeakSet()
        self.arrivals = Arrivals()

    async def connect(self, login: Login | None = None) -> Any:
        """Open a driver connection, handshake included, within `connect_timeout`.

        Args:
            login: what to open it with; the profile's own arguments when None.

        Raises:
            ConnectTimeoutError: it took longer.
            DatabaseConnectionError: in words, with a fix; no frame below it holds the password.
            UnsupportedPackageError: the connection is not protected as it must be.
            DataModuleNotConfiguredError: the engine was closed, before or meanwhile.
            asyncio.CancelledError: the caller was cancelled; it goes on without the driver's frames.
        """
        self._check_open()
        handed = login.secret if login is not None else None
        secret = handed if handed is not None else load_password(self.profile, self.target, self.settings)
        failure: BaseException
        try:
            async with self.arrivals.within(self.settings.connect_timeout):
                connection = await self.open(secret, self.arguments if login is None else login.arguments)
                self._prove(connection)
        except (DatabaseConnectionError, UnsupportedPackageError) as error:
            failure, cause = without_frames(error), error.__cause__
        except TimeoutError as error:
            failure, cause = self._out_of_time(error), harmless(error, secret)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the user gets one class
            failure, cause = self.failed(self.explain(error) or other_failure(error, secret)), harmless(error, secret)
        except BaseException as error:  # noqa: BLE001 - it goes on below: a cancellation, or the end of the process
            failure, cause = without_frames(error), None
        else:
            if not self.arrivals.is_over:
                self.connections.add(connection)
                return connection
            await self.turn_away(connection)
            failure, cause = closed_engine(self.profile), None
        # Outside the handlers: raised in one, it would carry the driver's frames, whose variables hold the password.
        raise failure from cause

    def _prove(self, connection: Any) -> None:
        try:
            self.prove(connection)
        except BaseException:
            self.abort(connection)
            raise

    def prove(self, connection: Any) -> None:
        """Make sure that a new connection is protected as the profile says, before it is handed out (contract C16.1).

        Raises:
            UnsupportedPackageError: the driver lacks what protects it, or does not do what it was told.
        """
        backend = self.settings.url.backend
        verify_connection(backend, connection, self.profile)
        if self.needs_liveness:
            prove_line(backend, self.profile, self.transport(connection), self.arguments.get("ssl"))

    async def turn_away(self, connection: Any) -> None:
        """Close a connection that came too late."""
        self.abort(connection)

    def _check_open(self) -> None:
        if self.arrivals.is_over:
            raise closed_engine(self.profile)

    def _out_of_time(self, error: TimeoutError) -> DataModuleError:
        return closed_engine(self.profile) if self.arrivals.is_over else self.late(error)

    def failed(self, failure: Failure) -> DatabaseConnectionError:
        """The exception for a failure of this profile."""
        return DatabaseConnectionError(self.profile, self.target, failure.reason, failure.fix)

    def late(self, error: TimeoutError) -> ConnectTimeoutError:
        """The exception for a server that did not answer within `connect_timeout`."""
        failure = self.explain(error) or other_failure(error, None)
        seconds = self.settings.connect_timeout
        return ConnectTimeoutError(self.profile, self.target, failure.reason, failure.fix, seconds=seconds)

    def explain(self, error: BaseException) -> Failure | None:
        """What went wrong and what to do; None when nobody foresaw it."""
        return self.explain_refusal(error) or explain_network(error, self.settings, self.address)

    def refused(self) -> Failure:
        """The failure of a log-in."""
        settings = self.settings
        if self.is_handed_passwords:
            given, fix = "with the password that a `do_connect` listener gave", "correct what that listener gives"
        elif settings.password_file is not None:
            given, fix = (
                f"with the password in {settings.password_file}",
                "correct username or the password in that file",
            )
        elif settings.url.password is not None:
            given, fix = (
                "with this password",
                "correct username and password; in a URL, special characters are written %XX",
            )
        else:
            given, fix = "without a password", 'password_file = "/path/to/a/file/with/the/password"'
        return Failure(f"the server refuses user {settings.url.username!r} {given}", fix)

    @property
    @abstractmethod
    def address(self) -> str:
        """Host and port, socket, or file in words."""

    @abstractmethod
    async def open(self, secret: Secret | None, arguments: Mapping[str, Any]) -> Any:
        """Open a driver connection with these arguments. `connect` bounds it and puts its failures into words."""

    @abstractmethod
    def explain_refusal(self, error: BaseException) -> Failure | None:
        """What the server itself refused; None when it was something else."""

    @abstractmethod
    async def ping(self, connection: Any) -> None:
        """One round trip; any exception means that the connection is dead."""

    @abstractmethod
    async def ask(self, connection: Any, question: str) -> Sequence[Any]:
        """The rows that a driver connection answers to a SELECT, outside of any transaction."""

    @abstractmethod
    def seems_closed(self, connection: Any) -> bool:
        """Whether the connection is known to be closed; asks nobody."""

    @abstractmethod
    async def close(self, connection: Any) -> None:
        """Say good-bye to the server and close; the caller bounds it."""

    @abstractmethod
    def abort(self, connection: Any) -> None:
        """Close without a word and without waiting, even when the connection's loop is closed."""

    @abstractmethod
    def transport(self, connection: Any) -> asyncio.WriteTransport | None:
        """The network transport below, when there is one."""

    def mark_unverified(self, dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        """Watch the first message on a connection that came out of the pool unasked, where `proves_itself` says so."""
        raise NotImplementedError

    @abstractmethod
    def listen(self, engine: Engine) -> None:
        """Attach what the database needs to the engine's events."""


def adapted(connection: Any) -> AdaptedConnection:
    """SQLAlchemy's adapter, as pool and engine events hand it over."""
    assert isinstance(connection, AdaptedConnection)  # noqa: S101 - all our drivers are asynchronous
    return connection


def abort_transport(transport: asyncio.WriteTransport | None) -> None:
    """Close a transport at once, also one whose loop is closed and will never call it back."""
    if transport is None:
        return
    with suppress(RuntimeError):  # the loop is closed
        transport.abort()
    loop = getattr(transport, "_loop", None)
    if loop is not None and loop.is_closed():
        _close_socket(transport)


def cut_line(transport: asyncio.WriteTransport | None) -> None:
    """Shut the socket below a transport down, from any thread: the server hears that we are gone."""
    if transport is None:
        return
    with suppress(OSError, AttributeError):  # closed already
        number = os.dup(transport.get_extra_info("socket").fileno())  # uvloop lets nobody shut its own object down
        with socket.socket(fileno=number) as line:
            line.shutdown(socket.SHUT_RDWR)


def _close_socket(transport: asyncio.WriteTransport) -> None:
    # A TLS transport stands on another one, which holds the socket.
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    connection_lost = getattr(below, "_call_connection_lost", None)
    if connection_lost is not None:
        with suppress(RuntimeError, AttributeError):
            connection_lost(None)
