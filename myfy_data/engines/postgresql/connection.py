"""SQLAlchemy's connection around asyncpg's: a transaction begins with the first message that needs it (ADR 0011)."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from typing import Any
from typing import Protocol as Shape

from asyncpg.protocol import Protocol
from asyncpg.transaction import Transaction, TransactionState
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection, AsyncAdapt_asyncpg_dbapi
from sqlalchemy.util import await_only

from myfy_data.engines.postgresql.driver_connection import DriverConnection
from myfy_data.engines.postgresql.message_gate import REFUSED, Line, MessageGate, is_death
from myfy_data.engines.postgresql.reconnect import forget_statements
from myfy_data.engines.postgresql.sqlstates import FAILED_TRANSACTION
from myfy_data.errors import TransactionEndedError

_ASK_LEVEL = "SHOW default_transaction_isolation"
_HAS_STARTED = "_started" in AsyncAdapt_asyncpg_connection.__slots__
"""Whether the adapter notes in a flag that a transaction is open: SQLAlchemy 2.0 does."""


_KEPT = {"COMMIT": True, "ROLLBACK": False, REFUSED: False}
"""What the server says to the statement that ended a transaction, and whether that is stored.

Behind PREPARE TRANSACTION, say, it is neither yet."""


class Cursor(Shape):
    """What is needed of SQLAlchemy's cursor."""

    def execute(self, operation: str, parameters: object = None) -> object:
        """Execute a statement."""


class LateTransaction(Transaction):  # type: ignore[misc]  # asyncpg ships no types
    """A transaction of which the server is told by the first message that needs it.

    For asyncpg it has started: what a user begins by the driver is a savepoint in it.

    Args:
        adapter: the connection that it belongs to.

    Attributes:
        is_due: whether BEGIN is still to be sent.
        has_ended: whether a statement has ended it.
        begin: the BEGIN.
    """

    __slots__ = ("_end", "_gate", "begin", "has_ended", "is_due", "may_end", "profile")

    def __init__(self, adapter: GatedConnection) -> None:
        connection, level = adapter.driver_connection, adapter.isolation_level
        super().__init__(connection, level, adapter.readonly, adapter.deferrable)
        self._gate = adapter.gate
        self._end: tuple[str, bool | None] | None = None
        self.has_ended: bool = False
        self.is_due: bool = True
        self.may_end: bool = adapter.may_end_transaction
        self.profile: str = adapter.profile
        self.begin: str = " ".join(
            (
                "BEGIN",
                *([f"ISOLATION LEVEL {level.replace('_', ' ').upper()}"] if level else ()),
                *(["READ ONLY"] if adapter.readonly else ()),
                *(["DEFERRABLE"] if adapter.deferrable else ()),
            )
        )
        self._state = TransactionState.STARTED  # type: ignore[misc]  # a slot of asyncpg's
        connection._top_xact = self  # noqa: SLF001 - there is no other way to tell asyncpg
        self._gate.transaction = self

    async def commit(self) -> None:
        """Commit, if anything was begun.

        Raises:
            TransactionEndedError: the database ended the transaction before, or answers COMMIT with a roll back.
        """
        ended = self._end
        if ended is not None:
            await self.rollback()
            raise TransactionEndedError(self.profile, ended[0], committed=ended[1])
        if self._leave():
            await self._send_commit()

    async def _send_commit(self) -> None:
        """Send COMMIT and look at the answer, which asyncpg's own drops: of a failed transaction it is ROLLBACK."""
        connection = self._connection
        connection._top_xact = None  # noqa: SLF001 - as above
        line, door = connection._protocol, self._gate.door  # noqa: SLF001 - asyncpg has no public name for it
        is_heard = connection._query_loggers or (door is not None and not door.is_inside)  # noqa: SLF001 - as above
        is_open = line is not None and Protocol.is_connected(line)
        try:
            if is_open and not self.may_end and not Protocol.is_in_transaction(line):
                raise TransactionEndedError(self.profile, "the server has no transaction any more", committed=None)
            answer = await (connection.execute("COMMIT;") if is_heard or not is_open else line.send("COMMIT"))
        except BaseException:
            self._state = TransactionState.FAILED
            raise
        self._state = TransactionState.COMMITTED
        if answer == "ROLLBACK":
            raise self.rolled_back_at_commit()

    def rolled_back_at_commit(self) -> TransactionEndedError:
        """The error of a COMMIT behind a statement that failed: PostgreSQL answers with ROLLBACK, and no error."""
        return TransactionEndedError(self.profile, "a statement in it failed, so COMMIT rolled it back")

    async def rollback(self) -> None:
        """Roll back what was begun; nothing is sent where the server has no transaction any more."""
        connection, is_open = self._connection, self._leave()
        if self._end is None and is_open:
            await super().rollback()
        elif self._end is not None:
            connection._top_xact = None  # noqa: SLF001 - as above
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK;")

    def _leave(self) -> bool:
        """Nothing waits for this transaction any more; whether the server knows of it."""
        if self._gate.transaction is self:
            self._gate.transaction = None
        if self.is_due:
            self._state = TransactionState.ROLLEDBACK
            if self._connection._top_xact is self:  # noqa: SLF001 - as above
                self._connection._top_xact = None  # noqa: SLF001 - as above
        return not self.is_due

    def forget_due(self) -> bool:
        """End without a message, if none was sent; whether that is so."""
        return self.is_due and not self._leave()

    def conclude(self, *, committed: bool) -> Line:
        """Let asyncpg take it for ended, without a word to the server; the protocol, to send words of one's own."""
        self._state = TransactionState.COMMITTED if committed else TransactionState.ROLLEDBACK
        self._connection._top_xact = None  # noqa: SLF001 - as above
        line: Line = self._connection._protocol  # noqa: SLF001 - asyncpg has no public name for it
        return line

    def abandon(self) -> None:
        """Close the connection: whether the server has begun is unknown."""
        forget_statements(self._connection)
        self._connection.terminate()

    def refuse_if_ended(self) -> None:
        """Raise for whatever comes after the database ended the transaction (contract C16.4)."""
        if self._end is not None:
            raise TransactionEndedError(self.profile, self._end[0], committed=self._end[1])

    def note_end(self, sql: str, answer: object) -> None:
        """Remember what ended the transaction, unless that is allowed here.

        Args:
            sql: the text that did it.
            answer: the server's tag, as bytes, or in a tuple of asyncpg's; `REFUSED` where the server answered with an
                error, and None where nothing is known.
        """
        if self.may_end or self._end is not None:
            return
        tag = answer[1] if isinstance(answer, tuple) else answer
        tag = tag.decode() if isinstance(tag, bytes) else str(tag or "")
        words = sql.split(maxsplit=1)
        word = words[0].rstrip(";").upper() if words else ""
        kept = None if ";" in sql.rstrip("; \t\r\n") else _KEPT.get(tag)  # of several statements the last one is told
        self._end, self.has_ended = (f"a statement ended it ({'COMMIT' if kept else word})", kept), True

    async def started_at(self) -> object:
        """When the server's transaction started; None inside a failed one."""
        self._gate.transaction = None  # past the gate
        try:
            return await self._connection.fetchval("SELECT pg_catalog.now()")
        except Exception as error:
            if getattr(error, "sqlstate", None) != FAILED_TRANSACTION:
                raise
            return None
        finally:
            self._gate.transaction = self


class GatedConnection(AsyncAdapt_asyncpg_connection):
    """SQLAlchemy's adapter, which leaves it to the gate when BEGIN is sent.

    Attributes:
        gate: the gate that the connection's messages pass.
        profile: the profile's name, for errors.
        may_end_transaction: whether statements may end the transaction, as migrations do.
        record: the pool's entry, once it has one.
        make_transaction: makes what SQLAlchemy begins; tests have savepoints in a transaction of their own.
    """

    __slots__ = ("gate", "make_transaction", "may_end_transaction", "profile", "record")

    def __init__(self, dbapi: object, connection: DriverConnection, *arguments: object, **options: object) -> None:
        super().__init__(dbapi, connection, *arguments, **options)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        self.gate: MessageGate = connection._protocol.gate  # noqa: SLF001 - asyncpg has no public name for it
        self.gate.begin = self._begin_for_listener
        self.record: weakref.ref[Any] | None = None
        self.profile: str = ""
        self.may_end_transaction: bool = False
        self.make_transaction: Callable[[GatedConnection], LateTransaction] = LateTransaction

    @property
    def stays_read_only(self) -> bool:
        """Whether the server refuses the writes of this connection by now; the pool asks."""
        return bool(self.gate.is_read_only)

    def begin(self) -> None:
        """Begin a transaction with the next message that needs it; sends nothing."""
        is_begun = self._started if _HAS_STARTED else self._transaction is not None  # asked for each unit of work
        if not is_begun and self.isolation_level != "autocommit":
            self.hold(self.make_transaction(self))

    def _begin_for_listener(self) -> None:
        """Begin, unless this is a new connection, which is still being set up by listeners for `connect`."""
        record = self.record() if self.record is not None else None
        proxy = record.fairy_ref() if record is not None and record.fairy_ref is not None else None
        if proxy is not None and proxy.dbapi_connection is self:
            self.begin()

    def leave_unused(self) -> None:
        """Forget a transaction that was begun and of which the server was not told."""
        transaction: Any = self._transaction
        if transaction is not None and transaction.forget_due():
            self.hold(None)

    def rollback(self) -> None:
        """Roll back; also what was begun by text where SQLAlchemy knows of no transaction."""
        if self._transaction is not None:
            super().rollback()  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        driver: Any = self._connection
        line = driver._protocol  # noqa: SLF001 - asyncpg has no public name for it
        if line is None or not Protocol.is_in_transaction(line) or line.is_dead or self.gate.guard is not None:
            return  # the last one: in a test, the block is the test's own
        try:
            await_only(line.send("ROLLBACK"))
        except Exception as error:  # noqa: BLE001 - SQLAlchemy's translation sorts them
            self._handle_exception(error)

    def hold(self, transaction: LateTransaction | None) -> None:
        """Have a transaction be the connection's own, or none."""
        self._transaction = transaction
        if _HAS_STARTED:
            self._started = transaction is not None  # type: ignore[misc]  # a slot in SQLAlchemy 2.0

    async def _start_transaction(self) -> None:
        self.begin()

    def raise_from_server(self, error: Exception) -> None:
        """Raise an error of asyncpg's as SQLAlchemy raises what the server answers."""
        self._handle_exception(error)

    def read_first(self, cursor: Cursor, statement: str, parameters: object) -> None:
        """Send a plain SELECT before BEGIN, where the connection's level allows it.

        On an unproven connection that is dead it is sent again on another one: it does no harm twice.
        """
        gate = self.gate
        reconnect, gate.reconnect = gate.reconnect, None
        try:
            self._read_first(cursor, statement, parameters)
        except Exception as error:
            if reconnect is None or not is_death(error, is_closed=self.driver_connection.is_closed()):
                raise
            await_only(reconnect())
            self._read_first(cursor, statement, parameters)
        finally:
            gate.passing = None

    def _read_first(self, cursor: Cursor, statement: str, parameters: object) -> None:
        gate, level = self.gate, self.isolation_level
        if level is None and gate.level is None:
            gate.passing = _ASK_LEVEL
            asking: Any = self.cursor()  # not by the driver itself, whose errors SQLAlchemy would not know
            asking.execute(_ASK_LEVEL)
            gate.learn_level(asking.fetchone()[0])
            asking.close()
        one_snapshot_each = level in ("read_committed", "autocommit") or (level or gate.level) == "read committed"
        gate.passing = statement if one_snapshot_each else None
        cursor.execute(statement, parameters)


class GatedModule(AsyncAdapt_asyncpg_dbapi):
    """SQLAlchemy's driver module, whose connections are ours.

    Args:
        asyncpg: the driver.
        prepare: called with each new connection.
    """

    def __init__(self, asyncpg: object, prepare: Callable[[GatedConnection], None]) -> None:
        super().__init__(asyncpg)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        self._prepare_connection = prepare

    def connect(
        self,
        *args: object,
        async_creator_fn: Callable[..., Awaitable[DriverConnection]] | None = None,
        **kwargs: object,
    ) -> Any:
        """Open a connection, in the caller's greenlet; for a listener's own, which is refused, a stock one."""
        if async_creator_fn is None:
            return super().connect(*args, **kwargs)  # type: ignore[no-untyped-call]  # as SQLAlchemy wrote it
        options = {name: kwargs.pop(name) for name in list(kwargs) if name.startswith("prepared_statement_")}
        opened = await_only(async_creator_fn(*args, **kwargs))
        connection = GatedConnection(self, opened, **options)
        self._prepare_connection(connection)
        return connection
