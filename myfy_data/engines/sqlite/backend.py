"""SQLite through aiosqlite: correct by default (contract C9)."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from myfy_data.engines.connect.backend import Backend, adapted
from myfy_data.engines.connect.connect_errors import Failure, chain
from myfy_data.engines.connect.position import Answer
from myfy_data.engines.sqlite.dbapi_connection import AutocommitConnection
from myfy_data.engines.sqlite.file_errors import CORRECT_PATH, deleted, explain_path
from myfy_data.engines.sqlite.transactions import TransactionEvents
from myfy_data.engines.sqlite.write_queue import QueueAccess, writer_queue
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.models import SQLiteSettings
from myfy_data.settings.validation.driver_options import driver_arguments

if TYPE_CHECKING:
    from myfy_data.engines.sqlite.connection import QueuedConnection

_RETRY = 0.01
"""Seconds between two tries to change the journal mode, which SQLite does not wait for by itself."""


class SQLite(Backend["QueuedConnection"]):
    """Serial aiosqlite connections to one file, or to a database in memory that lives as long as the engine."""

    needs_liveness = False
    has_isolation_levels = False  # it has one level, and setting it would bring legacy transactions back
    may_refuse_writes = False
    pings_read_only = True
    waits_for_turns = True
    product = "SQLite"
    version_and_role = "SELECT sqlite_version()"

    def __init__(self, profile: str, settings: DatabaseSettings, arguments: Mapping[str, object]) -> None:
        super().__init__(profile, settings, arguments)
        self.path: str = settings.url.database or ""
        self.is_memory: bool = settings.url.is_memory
        self._memory = f"myfy-{secrets.token_hex(8)}"
        self._keeper: sqlite3.Connection | None = None
        self._was_opened = False
        self._transaction_events = TransactionEvents(settings)

    @staticmethod
    def build_arguments(settings: DatabaseSettings) -> dict[str, object]:
        """What `sqlite3.connect` is told beside the file. Pure."""
        return driver_arguments(settings, settings.url)

    @property
    def address(self) -> str:
        """The file."""
        return self.path

    @property
    def uri(self) -> str:
        """The file as SQLite's URI, opened so that a read-only profile cannot even create it."""
        if self.is_memory:
            return f"file:{self._memory}?mode=memory&cache=shared"
        # Created by the first connection only: an empty file in the place of a deleted one would look like its content.
        mode = "rw" if self._was_opened else "rwc"
        return f"file:{quote(self.path)}?mode={'ro' if self.settings.read_only else mode}"

    async def open(self, secret: Secret | None, arguments: Mapping[str, object]) -> QueuedConnection:  # noqa: ARG002 - as connect
        """Open a connection on a thread of its own."""
        from myfy_data.engines.sqlite.connection import QueuedConnection  # noqa: PLC0415 - the driver
        from myfy_data.engines.sqlite.thread import Deadlines  # noqa: PLC0415 - as above

        settings = self.settings
        if self.is_memory and self._keeper is None:
            # A cancelled statement costs its connection; the data must survive that.
            self._keeper = sqlite3.connect(self.uri, uri=True, check_same_thread=False)
            weakref.finalize(self, self._keeper.close)  # an engine that is not disposed is collected in silence
        bound = settings.command_timeout
        deadlines = Deadlines(min(bound, settings.statement_timeout or bound), bound, settings.close_timeout)
        access = None
        if not self.is_memory and not settings.read_only:
            access = QueueAccess(writer_queue(self.path), self.profile, settings.pool_timeout, self)
        connection = await QueuedConnection(self.open_file, access, deadlines).open()
        connection.autocommit, connection.read_only = (
            self._transaction_events.autocommit,
            self._transaction_events.read_only,
        )
        return connection

    def open_file(self) -> AutocommitConnection:
        """Open and set up the connection; runs on its thread."""
        connection = sqlite3.connect(
            self.uri,
            uri=True,
            timeout=self.settings.sqlite.busy_timeout,
            isolation_level=None,
            check_same_thread=False,  # only to interrupt it from the loop's thread
            factory=AutocommitConnection,
            **self.arguments,
        )
        connection.profile, connection.is_read_only_file = self.profile, self.settings.read_only
        connection.is_wal = not self.is_memory and self.settings.sqlite.journal_mode == "wal"
        try:
            self._set_up(connection, self.settings.sqlite)
            connection.file_id = self._file_id()
        except BaseException:
            connection.close()
            raise
        self._was_opened = True
        return connection

    def _file_id(self) -> tuple[int, int] | None:
        """Which file stands at the path; None in memory.

        Raises:
            DatabaseConnectionError: none does.
        """
        if self.is_memory:
            return None
        try:
            found = os.stat(self.path)  # noqa: PTH116 - at each checkout, and a Path costs more than the question
        except OSError as error:
            raise self.connect_error(deleted(self.path)) from error
        return found.st_dev, found.st_ino

    def _set_up(self, connection: sqlite3.Connection, sqlite: SQLiteSettings) -> None:
        # First of all something that reads the file: a file that is no database is told apart here.
        connection.execute("PRAGMA schema_version").fetchone()
        if not self.is_memory and not self.settings.read_only:
            self._set_journal(connection, sqlite)
        connection.execute(f"PRAGMA synchronous = {sqlite.synchronous}")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if sqlite.foreign_keys else 'OFF'}")
        taken = connection.execute("PRAGMA foreign_keys").fetchone()
        if taken != (int(sqlite.foreign_keys),):
            raise self.connect_error(
                Failure("this SQLite cannot enforce foreign keys", "run on a Python whose SQLite was built with them")
            )

    def _set_journal(self, connection: sqlite3.Connection, sqlite: SQLiteSettings) -> None:
        mode = _change_journal(connection, sqlite.journal_mode, time.monotonic() + sqlite.busy_timeout)
        if mode != sqlite.journal_mode:
            raise self.connect_error(
                Failure(
                    f"the file system does not allow journal_mode {sqlite.journal_mode!r}",
                    self._line(f'journal_mode = "{mode}"'),
                )
            )

    def _line(self, text: str) -> str:
        return f"[data.profiles.{self.profile}.sqlite] {text}"

    def refuses_login(self, error: BaseException) -> bool:  # noqa: ARG002 - as every backend
        """Never: a file knows no users."""
        return False

    def explain_refusal(self, error: BaseException) -> Failure | None:
        """Why the file cannot be used."""
        for item in chain(error):
            if isinstance(item, sqlite3.DatabaseError):
                return self._explain_text(str(item))
        return None

    def _explain_text(self, text: str) -> Failure | None:
        path = Path(self.path)
        if "unable to open" in text and self._was_opened and not path.exists():
            return deleted(self.path)
        if "unable to open" in text or "readonly" in text:
            return explain_path(path, read_only=self.settings.read_only)
        if "not a database" in text:
            return Failure("the file is not a SQLite database", CORRECT_PATH)
        if "locked" in text:
            seconds = self.settings.sqlite.busy_timeout
            return Failure(
                f"another process holds the file locked for more than {seconds:g} s",
                f"end that process, or raise busy_timeout: {self._line('busy_timeout = 30.0')}",
            )
        return None

    async def ping(self, connection: QueuedConnection) -> None:
        """Nothing that idles can die: a file has no other end."""

    async def ask(self, connection: QueuedConnection, question: str) -> Sequence[Answer]:
        """The rows of a SELECT."""
        cursor = await connection.cursor().execute(question)
        rows: Sequence[Any] = await cursor.fetchall()
        return rows

    def has_begun(self, dbapi_connection: DBAPIConnection) -> bool:
        """Whether a transaction is open in the file; of a connection that was closed none is."""
        driver = dbapi_connection.driver_connection
        return not driver.is_stopping and bool(driver.in_transaction)

    def turn_waited(self, dbapi_connection: DBAPIConnection) -> float:
        """Seconds that the connection's user waited for its turn to write."""
        waited: float = dbapi_connection.driver_connection.take_waited()
        return waited

    def count_rows(self, cursor: DBAPICursor) -> int | None:
        """Of a SELECT, whose number SQLite does not tell, the rows that SQLAlchemy has read; of a stream nothing."""
        description: object = cursor.description  # None where it is no SELECT
        if description is None:
            return super().count_rows(cursor)
        return None if cursor.server_side else len(cursor._rows)  # noqa: SLF001 - nothing public counts them

    def is_closed(self, connection: QueuedConnection) -> bool:  # noqa: ARG002 - as ping
        """Never."""
        return False

    def transport(self, connection: QueuedConnection) -> None:
        """None."""

    async def close(self, connection: QueuedConnection) -> None:
        """Interrupt and close."""
        await connection.close()

    async def discard_late_connection(self, connection: QueuedConnection) -> None:
        """Close a connection that came too late; its thread must not outlive the loop that it reports to."""
        self.abort(connection)
        await connection.close()

    def abort(self, connection: QueuedConnection) -> None:
        """Interrupt and close on the connection's thread, without waiting for it."""
        connection.stop()

    def begin_anew(self) -> None:
        """Let go of a database in memory; a file that is not there is created again."""
        self._was_opened = False
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def attach_events(self, engine: Engine) -> None:
        """Begin real transactions, and look at each connection before it is used."""
        self._transaction_events.attach_events(engine)
        event.listen(engine, "reset", _end_failed_commit)
        event.listen(engine, "checkout", self._check)

    def _check(self, dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: object) -> None:
        """Let the pool replace a connection that is closed or altered, or whose file is no longer the one at the path.

        Raises:
            DisconnectionError: the pool opens another one in its place.
            DatabaseConnectionError: the file was deleted.
        """
        driver: Any = dbapi_connection.driver_connection
        if unfit := driver.hand_out(self._file_id()):
            raise DisconnectionError(unfit)


def _end_failed_commit(dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, state: PoolResetState) -> None:
    # After a COMMIT that failed, SQLAlchemy takes the transaction for ended; SQLite keeps it open for the next user.
    if not state.transaction_was_reset or not state.asyncio_safe:
        return
    driver: Any = adapted(dbapi_connection).driver_connection
    if driver.in_transaction:
        adapted(dbapi_connection).run_async(lambda _: driver.rollback())


def _change_journal(connection: sqlite3.Connection, mode: str, deadline: float) -> str:
    if connection.execute("PRAGMA journal_mode").fetchone() == (mode,):
        return mode
    while True:
        try:
            return str(connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
        time.sleep(_RETRY)
