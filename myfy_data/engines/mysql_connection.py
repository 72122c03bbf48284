"""aiomysql's connection made strict: a safe log-in, and an end to every wait.

Stock aiomysql waits for an answer without any bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiomysql import OperationalError
from pymysql.constants import COMMAND, SERVER_STATUS
from pymysql.err import Error

from myfy_data.engines.mysql_login import SafeLogin
from myfy_data.engines.mysql_result import StrictResult
from myfy_data.engines.mysql_transaction import ServerTransaction
from myfy_data.errors import ConcurrentSessionError

_FAREWELL = 0.5
"""Seconds that the good-bye to the server may take."""

_OPEN = SERVER_STATUS.SERVER_STATUS_IN_TRANS | SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
"""The bits of an answer's status of which each forbids to believe that nothing is open."""


T = TypeVar("T")


class StrictConnection(SafeLogin):
    """A connection that refuses to give anything away, and that does not wait forever.

    Args:
        profile: the profile's name, for errors.
        password: the password.
        answer_timeout: seconds to wait for each answer of the server from the log-in until `settle`.
        late: makes the error for one that took longer.
        is_local: whether the server is this machine, so that a key it hands over is its own.
        arguments: aiomysql's own.

    Attributes:
        read_only: whether the next transaction is to be begun as one to which the server refuses writes.
        transaction: what the server's answers say about the transaction.
    """

    read_only = False

    _in_doubt = False
    _is_bounded = False
    _gave_up = False

    def __init__(
        self,
        *,
        profile: str,
        password: str,
        answer_timeout: float,
        late: Callable[[TimeoutError], Exception],
        is_local: bool,
        **arguments: Any,
    ) -> None:
        super().__init__(password=password, is_local=is_local, **arguments)
        self.transaction = ServerTransaction()
        self._profile = profile
        self._answer_timeout = answer_timeout
        self._late = late

    async def open(self) -> None:
        """Connect and log in; the caller bounds it."""
        try:
            with self.transaction.unmanaged():
                await self.log_in()
        except BaseException:
            self.abort()
            raise

    def settle(self, answer_timeout: float) -> None:
        """Connecting is over: from now on each answer may take so many seconds, and is told as a `TimeoutError`."""
        self._answer_timeout = answer_timeout
        self._late = _as_it_is

    # No coroutine of its own around each packet, of which an answer has five or more.
    def _read_packet(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *packet_type: Any
    ) -> Coroutine[Any, Any, Any]:
        packet = super()._read_packet(*packet_type)
        if not self._logged_in:
            return self._check_login(packet)
        # Rows of a stream are read one by one, after the statement.
        return packet if self._is_bounded else self._bounded(packet)

    async def _bounded(self, answer: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer, and hang up when it does not come: who waits hears of that."""
        if self._is_bounded:
            answer.close()
            raise self._busy()
        timer = self._loop.call_later(self._answer_timeout, self._give_up)
        self._is_bounded = True
        try:
            return await answer
        except Error as error:
            if self._gave_up and isinstance(error, OperationalError):
                raise self._late(TimeoutError(f"no answer within {self._answer_timeout:g} s")) from None
            self.transaction.note_error(error)
            raise
        finally:
            self._is_bounded = False
            timer.cancel()

    def _busy(self) -> ConcurrentSessionError:
        return ConcurrentSessionError(
            self._profile,
            "another task waits for an answer on this connection\n  fix: give each task a session of its own",
        )

    def _give_up(self) -> None:
        self._gave_up = True
        if self._writer is not None:
            self._writer.transport.abort()  # and no more: whoever reads still needs the reader

    def escape(self, obj: object) -> str:
        """A value as it stands in SQL. Bytes are written in hexadecimal, which no character set and no mode reads anew.

        aiomysql hands them to a function that PyMySQL 1.2 does not have.
        """
        if isinstance(obj, (bytes, bytearray, memoryview)):
            return f"_binary X'{obj.hex()}'"
        if isinstance(obj, (list, tuple, set, frozenset)):  # PyMySQL's converter for them is on its way out
            return f"({','.join(map(self.escape, obj))})"
        return str(super().escape(obj))

    async def query(self, sql: str, unbuffered: bool = False) -> Any:  # noqa: FBT001, FBT002 - aiomysql's signature
        """Run a statement; whether a transaction is open afterwards is only known where the answer says so.

        Raises:
            TransactionEndedError: the server has ended the transaction (contract C16.4).
        """
        self._in_doubt = True
        self.transaction.sql = sql
        answer = super().query(sql, unbuffered)
        rows = await (self._bounded(answer) if self._logged_in else answer)
        self._in_doubt = not self._is_status_known()
        return rows

    # Every message passes here. A coroutine of its own only where something is to be done first.
    def _execute_command(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, command: int, sql: Any
    ) -> Coroutine[Any, Any, None]:
        sending: Coroutine[Any, Any, None] = super()._execute_command(command, sql)
        if not self._logged_in or command == COMMAND.COM_PING:
            return sending
        return self._settled(sending) if self._is_unsettled else self._admitted(sending)

    def _admitted(self, sending: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
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

    async def _settled(self, sending: Coroutine[Any, Any, None]) -> None:
        try:
            await self._settle_answers()
        except BaseException:
            sending.close()
            raise
        await self._admitted(sending)

    async def _settle_answers(self) -> None:
        await self._cut_stream()
        if self.transaction.in_doubt and self.transaction.is_open:
            await self.ping(reconnect=False)  # its answer tells, and no other would: the next statement may begin anew

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
            self.server_status = result.server_status

    async def _read_ok_packet(self) -> Any:
        await super()._read_ok_packet()
        self.transaction.hear(self.server_status)
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
        self._require_quiet()
        if self._is_unsettled:
            await self._settle_answers()
        self.transaction.check(self._profile)
        if self._may_be_in_transaction:
            self.transaction.forget()
            await super().commit()
            self._in_doubt = False

    async def rollback(self) -> None:
        """Roll back, unless the server has said that no transaction is open: mostly a COMMIT went out just before."""
        self._require_quiet()
        await self._cut_stream()
        self.transaction.forget()
        if self._may_be_in_transaction:
            await super().rollback()
            self._in_doubt = False
        if self.get_autocommit() == self.transaction.is_managed:  # a statement has switched it
            await self._send_autocommit_mode()

    def _require_quiet(self) -> None:
        if self._is_bounded:
            raise self._busy()

    @property
    def _may_be_in_transaction(self) -> bool:
        # An error does not tell whether a transaction is open, and behind one result more may come.
        return self._in_doubt or bool(self.server_status & _OPEN)

    async def ensure_closed(self) -> None:
        """Say good-bye and close; a server that does not take it is not waited for."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await super().ensure_closed()
        except (OSError, TimeoutError):
            self.abort()

    def abort(self) -> None:
        """Close without a word and without waiting."""
        if self._writer is not None:
            self._writer.transport.abort()
        self.close()


def _as_it_is(error: TimeoutError) -> Exception:
    return error
