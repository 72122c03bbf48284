"""aiomysql's connection made strict: a safe log-in, an end to every wait, and one way into the transaction."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pymysql.constants import COMMAND, SERVER_STATUS

from myfy_data.engines.mysql.io_timeouts import BoundedConnection
from myfy_data.engines.mysql.result import StrictResult
from myfy_data.engines.mysql.session import SESSION_TRACK
from myfy_data.engines.mysql.transaction import ServerTransaction
from myfy_data.engines.observation import Hold

_OPEN = SERVER_STATUS.SERVER_STATUS_IN_TRANS | SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
"""The bits of an answer's status of which each forbids to believe that nothing is open."""


class StrictConnection(BoundedConnection):
    """A connection whose every message stands in the transaction that the session believes in, and in its role.

    Args:
        arguments: those of the log-in and of the bounds.

    Attributes:
        read_only: whether the server is to refuse writes of every kind; told before the next message.
        transaction: what the server's answers say about the transaction.
        door: is told of the statements that come by the driver's own methods, once something listens.
        first_level: the isolation level that the first user found; empty for the server's own, None before the first.
        replace_dead: replaces the connection should it be dead; there from the checkout until its first message.
    """

    first_level: str | None = None
    door: Hold | None = None
    replace_dead: Callable[[Any], None] | None = None

    _read_only = False
    _must_declare = False
    _in_doubt = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.transaction: ServerTransaction = ServerTransaction()

    async def open(self) -> None:
        """Connect and log in; the caller bounds it."""
        with self.transaction.unmanaged():
            await super().open()

    def escape(self, obj: object) -> str:
        """A value as it stands in SQL. Bytes are written in hexadecimal, which no character set and no mode reads anew.

        aiomysql hands them to a function that PyMySQL 1.2 does not have.
        """
        if isinstance(obj, (bytes, bytearray, memoryview)):
            return f"_binary X'{obj.hex()}'"
        if isinstance(obj, (list, tuple, set, frozenset)):  # PyMySQL's converter for them is on its way out
            return f"({','.join(map(self.escape, obj))})"
        return str(super().escape(obj))

    def _note_error(self, error: Exception) -> None:
        self.transaction.note_error(error)

    async def query(self, sql: str, unbuffered: bool = False) -> object:  # noqa: FBT001, FBT002 - aiomysql's signature
        """Run a statement; whether a transaction is open afterwards is only known where the answer says so.

        Raises:
            TransactionEndedError: the server has ended the transaction (contract C16.4).
        """
        door = self.door
        if door is not None and not door.is_inside:
            return await door.measure(_text(sql), lambda: self.query(sql, unbuffered))
        self._in_doubt = True
        self.transaction.sql = sql
        answer = super().query(sql, unbuffered)
        rows = await (self._bounded(answer) if self._logged_in else answer)
        self._in_doubt = not self._is_status_known()
        return rows

    @property
    def read_only(self) -> bool:
        """See the class."""
        return self._read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._read_only = value
        self.renew()

    @property
    def stays_read_only(self) -> bool:
        """Whether the server refuses writes by now; the pool asks."""
        return self.transaction.reads_only

    def assume(self, *, read_only: bool) -> None:
        """The session has just been told whether the server is to refuse its writes."""
        self.transaction.reads_only = read_only
        self.read_only = read_only

    @property
    def tracks(self) -> bool:
        """Whether the server tells how the session changed."""
        return bool(self.server_capabilities & SESSION_TRACK)

    def keep_level(self) -> None:
        """Connecting is over, listeners included: what the isolation level is now, it is to be for every user."""
        if self.first_level is None:
            self.first_level = self.transaction.isolation

    def take_over(self, fresh: StrictConnection) -> None:
        """Go on with the line of another connection, and with what its server knows, in the place of a dead one.

        What the unit of work has asked for and not told the server yet, stays. Cursors hold this object.
        """
        self.abort()
        read_only, may_end, door = self.read_only, self.may_end_transaction, self.door
        self.__dict__, fresh.__dict__ = fresh.__dict__, self.__dict__
        self.door = door
        self.read_only, self.may_end_transaction = read_only, may_end

    def renew(self) -> None:
        """A unit of work begins: what a statement of the last one made of `read_only` does not hold for this one."""
        self._must_declare = self._read_only is not self.transaction.reads_only

    # Every message passes here. A coroutine of its own only where something is to be done first.
    def _execute_command(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, command: int, sql: object
    ) -> Coroutine[object, None, None]:
        sending: Coroutine[Any, Any, None] = super()._execute_command(command, sql)
        self.replace_dead = None
        if not self._logged_in or command == COMMAND.COM_PING:
            return sending
        if self._must_declare or self._is_unsettled:
            return self._settled(sending)
        transaction = self.transaction
        if transaction.ended is not None:
            return self._admitted(sending)
        transaction.in_doubt = True
        return sending

    def _admitted(self, sending: Coroutine[object, None, None]) -> Coroutine[object, None, None]:
        if self.transaction.ended is not None:
            sending.close()
            self.transaction.check(self._profile)
        self.transaction.in_doubt = True
        return sending

    @property
    def _is_unsettled(self) -> bool:
        """Whether rows of a stream were not read, or an error leaves open if the transaction is still there."""
        result = self._result
        in_doubt = self.transaction.in_doubt and self.transaction.is_open
        return in_doubt or (result is not None and result.unbuffered_active)

    async def _settled(self, sending: Coroutine[object, None, None]) -> None:
        try:
            await self._settle_answers()
            if self._must_declare:
                await self._declare()
        except BaseException:
            sending.close()
            raise
        await self._admitted(sending)

    async def _settle_answers(self) -> None:
        await self._cut_stream()
        if self.transaction.in_doubt and self.transaction.is_open:
            await self.ping(reconnect=False)  # its answer tells, and no other would: the next statement may begin anew

    async def _declare(self) -> None:
        self._must_declare = False
        if self.transaction.is_open:  # of a listener at checkout: a transaction stays what it was when it began
            self.transaction.forget()
            await self._send("COMMIT")
        await self._send(f"SET SESSION TRANSACTION READ {'ONLY' if self._read_only else 'WRITE'}")
        self.transaction.reads_only = self._read_only

    async def _send(self, sql: str) -> None:
        await super()._execute_command(COMMAND.COM_QUERY, sql)
        await self._read_ok_packet()

    async def _cut_stream(self) -> None:
        result = self._result
        if result is not None and result.unbuffered_active:
            await (result.cut() if self._is_bounded else self._bounded(result.cut()))

    async def _read_query_result(self, unbuffered: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        # As aiomysql's, with results that tell what they know.
        self._result = None
        result = StrictResult(self, self._profile, self.transaction)
        if unbuffered:
            try:
                await result.init_unbuffered_query()
            except BaseException:
                result.unbuffered_active, result.connection = False, None
                raise
        else:
            await result.read()
        self._result = result
        self._affected_rows = result.affected_rows
        if result.server_status is not None:
            self.server_status: int = result.server_status

    async def _read_ok_packet(self) -> Any:
        await super()._read_ok_packet()
        self.transaction.hear(self.server_status, may_work=False)
        return True

    @property
    def may_end_transaction(self) -> bool:
        """Whether a statement may end the transaction."""
        return self.transaction.may_end

    @may_end_transaction.setter
    def may_end_transaction(self, value: bool) -> None:
        self.transaction.may_end = value

    def _is_status_known(self) -> bool:
        # aiomysql reads the status of an answer without rows. One with rows may have opened a snapshot, unless every
        # statement is its own transaction.
        result = self._result
        if result is None:
            return False
        return result.server_status is not None or (self.get_autocommit() and result.has_next == 0)

    async def autocommit(self, value: bool) -> None:  # noqa: FBT001 - aiomysql's signature
        """Make every statement a transaction, or no more."""
        self.transaction.forget()
        self.transaction.is_managed = not value
        await super().autocommit(value)

    async def commit(self) -> None:
        """Commit, unless the server has said that no transaction is open.

        Raises:
            TransactionEndedError: the server has ended it (contract C16.4).
        """
        if self._is_bounded:
            raise self._busy()
        if self._is_unsettled:
            await self._settle_answers()
        self.transaction.check(self._profile)
        if self._in_doubt or self.server_status & _OPEN:  # not by the property: each unit of work comes here
            self.transaction.forget()
            await super().commit()
            self._in_doubt = False

    async def rollback(self) -> None:
        """Roll back, unless the server has said that no transaction is open: mostly a COMMIT went out just before."""
        if self._is_bounded:
            raise self._busy()
        await self._cut_stream()
        self.transaction.forget()
        if self._in_doubt or self.server_status & _OPEN:  # as above
            await super().rollback()
            self._in_doubt = False
        if self.get_autocommit() == self.transaction.is_managed:  # a statement has switched it
            await self._send_autocommit_mode()

    @property
    def ends_by_message(self) -> bool:
        """Whether COMMIT or ROLLBACK would be sent now."""
        return self._may_be_in_transaction

    @property
    def _may_be_in_transaction(self) -> bool:
        # An error does not tell whether a transaction is open, and behind one result more may come.
        return self._in_doubt or bool(self.server_status & _OPEN)


def _text(sql: str | bytes | bytearray) -> str:
    return sql if isinstance(sql, str) else bytes(sql).decode("utf-8", "replace")
