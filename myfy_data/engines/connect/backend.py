"""What each database room offers to the engine: connect, ping, close, abort, and words for failures."""

from __future__ import annotations

import asyncio
import time
import weakref
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.credentials.types import ProviderError
from myfy_data.engines.connect.connect_errors import (
    Failure,
    harmless,
    other_failure,
    without_frames,
)
from myfy_data.engines.connect.connect_failures import ConnectFailures
from myfy_data.engines.connect.connect_gate import ConnectGate
from myfy_data.engines.connect.credentials import Attempt, NoAnswerError
from myfy_data.engines.connect.listened_login import Login
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.password import load_password, load_source
from myfy_data.engines.connect.pending_connects import PendingConnects
from myfy_data.engines.connect.position import Answer, PositionQuestions
from myfy_data.engines.connect.protection import prove_line, verify_connection
from myfy_data.engines.observation import EngineRecorder, Hold
from myfy_data.errors import (
    ConnectTimeoutError,
    DatabaseConnectionError,
    DataModuleError,
    UnsupportedPackageError,
    closed_engine,
)
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings

READ_ONLY = "myfy_read_only"
"""Execution option: the server refuses the writes of this connection (contract C5.10)."""

MAY_END_TRANSACTION = "myfy_may_end_transaction"
"""Execution option: a statement may end the transactions of this connection, as migrations do (contract C16.4)."""


_NO_COUNT = 2**63
"""What drivers say of a stream is -1, or that without its sign."""

Ask = Callable[[str], Awaitable[Sequence[Answer]]]
"""Runs a SELECT and gives its rows."""

Driver = TypeVar("Driver")
"""The database's driver connection."""


class Backend(ConnectFailures, Generic[Driver]):
    """One database as one engine uses it.

    Attributes:
        arguments: what the driver's `connect` is told, password excepted.
        connections: driver connections that were opened and are not collected yet.
        pending_connects: those that are being opened.
        gate: how its pool opens connections; None where it is not one of several servers (contract C11.3).
        was_left: the server is no longer used, because another one of the profile's is (contract C11.3).
        recorder: measures the engine's work, once something listens.
        told: the settings that each driver connection was opened with, or given by `renew`.
        is_renewing: whether connections are told the deadlines that a reload has changed.
        retire_at: monotonic seconds at which connections are replaced because their credentials say so.
    """

    changeable: frozenset[str] = frozenset()
    """Arguments that `do_connect` listeners may change, beside the password."""

    unsaid: frozenset[str] = frozenset()
    """Server settings of ours that the profile does not say: a listener may."""

    adapter: Mapping[str, Any] = {}
    """Arguments of SQLAlchemy's adapter around the driver connection."""

    needs_liveness = True
    """Whether an idle connection can die, so that it is checked before use."""

    has_isolation_levels = True
    """Whether `isolation_level` is set on connections."""

    port: int | None = None
    """The port that the driver takes by default."""

    product: str
    """What the server is called."""

    positions: PositionQuestions
    """How one of several servers is asked how far it has come (contract C11.4)."""

    version_and_role: str
    """A SELECT of the server's version, and of what must be off for it to take writes."""

    connection_limits = ""
    """A SELECT of the connections that server, user and database take; NULL for no limit (contract C11.7)."""

    may_refuse_writes = True
    """Whether the server may refuse every write, as a standby does, so that its refusals are listened for."""

    pings_read_only = False
    """Whether a ping goes over a read-only connection: one that may write would wait for its turn."""

    proves_itself = False
    """Whether the first message proves a connection, whatever it is: see `mark_unverified`."""

    waits_for_turns = False
    """Whether a connection itself waits for its turn, and so is told `pool_timeout` and `close_timeout` as well."""

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, object]) -> None:
        super().__init__(profile, settings, load_source(profile, settings, self.port))
        self.arguments: dict[str, Any] = dict(arguments)
        self.connections: weakref.WeakSet[Driver] = weakref.WeakSet()
        self.told: weakref.WeakKeyDictionary[Driver, DatabaseSettings] = weakref.WeakKeyDictionary()
        self.pending_connects: PendingConnects = PendingConnects()
        self.was_left: bool = False
        self.is_renewing: bool = False
        self.gate: ConnectGate | None = None
        self.recorder: EngineRecorder | None = None
        self.retire_at: weakref.WeakKeyDictionary[Driver, float] = weakref.WeakKeyDictionary()

    def watch(self, connects_at_once: int) -> None:
        """Be one of several servers: a monitor looks at it, and opens at most so many connections at the same time."""
        self.gate = ConnectGate(connects_at_once)

    def adopt(self, settings: DatabaseSettings) -> None:
        """Use other settings of the same database from now on; a connection is told by `renew` (contract C12.5)."""
        told = self.build_arguments(settings)
        self.settings = settings
        self.arguments.update({key: told[key] for key in self.arguments.keys() & told.keys()})
        if self.credentials is not None:
            self.credentials.timeout = settings.connect_timeout

    async def renew(self, connection: Driver, before: DatabaseSettings) -> bool:  # noqa: ARG002 - each does it by its own means
        """Give a connection that was opened with other settings the deadlines of now.

        Returns:
            False where that cannot be had: the connection has to be replaced.
        """
        return False

    async def connect(self, login: Login | None = None) -> object:
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
        told = self.settings  # a reload may change them while it is opened
        handed = login.secret if login is not None else None
        secret = handed if handed is not None else load_password(self.profile, self.target, self.settings)
        attempt = Attempt(self.arguments if login is None else login.arguments, secret)
        failure: BaseException
        try:
            async with self.pending_connects.track(self.settings.connect_timeout):
                async with self.gate.turn(told.connect_timeout) if self.gate is not None else nullcontext():
                    connection = await self._open(attempt)
                self._prove(connection)
        except (DatabaseConnectionError, UnsupportedPackageError) as error:
            failure, cause = without_frames(error), error.__cause__
        except TimeoutError as error:
            failure, cause = self._out_of_time(error, attempt), harmless(error, attempt.secret)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the user gets one class
            failure, cause = (
                self.connect_error(self.explain(error) or other_failure(error, attempt.secret)),
                harmless(error, attempt.secret),
            )
        except BaseException as error:  # noqa: BLE001 - it goes on below: a cancellation, or the end of the process
            failure, cause = without_frames(error), None
        else:
            if not self.pending_connects.is_cancelled:
                self.connections.add(connection)
                self.told[connection] = told
                return connection
            await self.discard_late_connection(connection)
            failure, cause = self._closed(), None
        # Outside the handlers: raised in one, it would carry the driver's frames, whose variables hold the password.
        raise failure from cause

    async def _open(self, attempt: Attempt) -> Driver:
        if self.credentials is None or attempt.secret is not None:
            return await self.open(attempt.secret, attempt.arguments)
        try:
            connection = await self.credentials.log_in(attempt, self.open, self.refuses_login)
        except NoAnswerError:
            raise self._no_answer() from None
        except ProviderError as error:
            raise self.connect_error(Failure(error.message, error.fix)) from None
        if attempt.max_age is not None:
            self.retire_at[connection] = time.monotonic() + attempt.max_age
        return connection

    def _prove(self, connection: Driver) -> None:
        try:
            self.prove(connection)
        except BaseException:
            self.abort(connection)
            raise

    def prove(self, connection: Driver) -> None:
        """Make sure that a new connection is protected as the profile says, before it is handed out (contract C16.1).

        Raises:
            UnsupportedPackageError: the driver lacks what protects it, or does not do what it was told.
        """
        backend = self.settings.url.backend
        verify_connection(backend, connection, self.profile)
        if self.needs_liveness:
            prove_line(backend, self.profile, self.transport(connection), self.arguments.get("ssl"))

    async def discard_late_connection(self, connection: Driver) -> None:
        """Close a connection that came too late."""
        self.abort(connection)

    def _closed(self) -> DataModuleError:
        if self.was_left:
            return DatabaseConnectionError(self.profile, self.target, "it is no longer used", "roll back, and go on")
        return closed_engine(self.profile)

    def _check_open(self) -> None:
        if self.pending_connects.is_cancelled:
            raise self._closed()

    def _out_of_time(self, error: TimeoutError, attempt: Attempt) -> DataModuleError:
        if self.pending_connects.is_cancelled:
            return self._closed()
        return self._no_answer() if attempt.is_asking else self.connect_timeout_error(error)

    def _no_answer(self) -> ConnectTimeoutError:
        assert self.credentials is not None  # noqa: S101 - it is asked
        seconds, provider = self.settings.connect_timeout, self.credentials.provider.name
        reason = f"the provider {provider!r} gives no credentials within {seconds:g} s"
        fix = "look what keeps it, and give what it asks a deadline; a slow one needs a larger connect_timeout"
        return ConnectTimeoutError(self.profile, self.target, reason, fix, seconds=seconds)

    @abstractmethod
    async def open(self, secret: Secret | None, arguments: Mapping[str, object]) -> Driver:
        """Open a driver connection with these arguments. `connect` bounds it and puts its failures into words."""

    @abstractmethod
    def refuses_login(self, error: BaseException) -> bool:
        """Whether the server refused user or password, so that newer credentials may do (contract C12.4)."""

    @staticmethod
    @abstractmethod
    def build_arguments(settings: DatabaseSettings) -> dict[str, object]:
        """What the driver's `connect` is told, password and TLS excepted. Pure."""

    @classmethod
    def describe_server(cls, version: str) -> str:
        """Product and version from what the server says of itself: `15.18 (Debian 15.18-0+deb12u1)` is 15.18."""
        return f"{cls.product} {version.split(' ', 1)[0].split('-', 1)[0]}"

    async def look(self, connection: Driver) -> Look:
        """Ask a server for its role, over a driver connection, in one message; the monitor of several servers does.

        Raises:
            Exception: it did not answer, or its role cannot be asked.
        """
        raise NotImplementedError

    def is_away(self, error: BaseException) -> bool:  # noqa: ARG002 - a file is where it is
        """Whether a driver's error, raised while connecting, is of the server's state or the way to it.

        Another server of the profile's may then do; one of what was asked for, such as a wrong password, it shares.
        """
        return False

    @classmethod
    async def takes_writes(cls, ask: Ask, answers: Sequence[object]) -> bool:  # noqa: ARG003 - MySQL asks for more
        """Whether the server takes writes.

        Args:
            ask: runs a SELECT where `answers` come from, and gives its rows.
            answers: to `version_and_role`, without the version.
        """
        return all(str(answer).lower() in ("off", "0", "false") for answer in answers)

    def discard_state(self, engine: Engine, dbapi_connection: DBAPIConnection) -> None:
        """Let a connection that comes back to the pool forget its session, where `discard` can be had (ADR 16)."""
        raise NotImplementedError

    @abstractmethod
    async def ping(self, connection: Driver) -> None:
        """One round trip; any exception means that the connection is dead."""

    @abstractmethod
    async def ask(self, connection: Driver, question: str) -> Sequence[Answer]:
        """The rows that a driver connection answers to a SELECT, outside of any transaction."""

    @abstractmethod
    def is_closed(self, connection: Driver) -> bool:
        """Whether the connection is known to be closed; sends nothing."""

    @abstractmethod
    async def close(self, connection: Driver) -> None:
        """Disconnect in order; the caller bounds it."""

    @abstractmethod
    def abort(self, connection: Driver) -> None:
        """Close without a word and without waiting, even when the connection's loop is closed."""

    @abstractmethod
    def transport(self, connection: Driver) -> asyncio.WriteTransport | None:
        """The network transport below, when there is one."""

    def mark_unverified(self, dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Let the first message on a connection that came out of the pool unasked prove it, if it may be sent again."""

    @abstractmethod
    def has_begun(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether the end of the transaction on an adapted connection is a message to the database."""

    def may_have_written(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether the transaction on an adapted connection may have changed something (contract C11.4)."""
        return self.has_begun(dbapi_connection)

    def turn_waited(self, dbapi_connection: DBAPIConnection) -> float:  # noqa: ARG002 - only SQLite has turns
        """Seconds that a connection's user waited for a turn, beside the pool, since this was asked last."""
        return 0.0

    def open_door(self, dbapi_connection: DBAPIConnection, hold: Hold | None) -> None:
        """Tell of what is sent by the driver's own methods.

        Args:
            dbapi_connection: an adapted connection.
            hold: where it is told; None for no more.
        """
        dbapi_connection.driver_connection.door = hold

    def count_rows(self, cursor: DBAPICursor) -> int | None:
        """How many rows a statement has changed or brought; None where that is not known."""
        count: object = cursor.rowcount  # whatever the driver leaves there
        return count if isinstance(count, int) and 0 <= count < _NO_COUNT else None

    def begin_anew(self) -> None:
        """The engine was disposed: what comes next is as on a new engine."""

    @abstractmethod
    def attach_events(self, engine: Engine) -> None:
        """Attach what the database needs to the engine's events."""


AnyBackend = Backend[Any]
"""A backend whose driver does not matter."""


def adapted(connection: object) -> AdaptedConnection:
    """SQLAlchemy's adapter, as pool and engine events hand it over."""
    assert isinstance(connection, AdaptedConnection)  # noqa: S101 - all our drivers are asynchronous
    return connection
