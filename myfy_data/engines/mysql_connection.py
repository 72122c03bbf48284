"""aiomysql's connection made strict: a safe log-in, and an end to every wait.

Stock aiomysql waits for an answer without any bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiomysql import OperationalError
from pymysql.constants import SERVER_STATUS

from myfy_data.engines.mysql_login import SafeLogin

_FAREWELL = 0.5
"""Seconds that the good-bye to the server may take."""

_OPEN = SERVER_STATUS.SERVER_STATUS_IN_TRANS | SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
"""The bits of an answer's status of which each forbids to believe that nothing is open."""


T = TypeVar("T")


class StrictConnection(SafeLogin):
    """A connection that refuses to give anything away, and that does not wait forever.

    Args:
        password: the password.
        answer_timeout: seconds to wait for each answer of the server from the log-in until `settle`.
        late: makes the error for one that took longer.
        is_local: whether the server is this machine, so that a key it hands over is its own.
        arguments: aiomysql's own.

    Attributes:
        read_only: whether the next transaction is to be begun as one to which the server refuses writes.
    """

    read_only = False

    _in_doubt = False
    _is_bounded = False
    _gave_up = False

    def __init__(
        self,
        *,
        password: str,
        answer_timeout: float,
        late: Callable[[TimeoutError], Exception],
        is_local: bool,
        **arguments: Any,
    ) -> None:
        super().__init__(password=password, is_local=is_local, **arguments)
        self._answer_timeout = answer_timeout
        self._late = late

    async def open(self) -> None:
        """Connect and log in; the caller bounds it."""
        try:
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
        timer = self._loop.call_later(self._answer_timeout, self._give_up)
        self._is_bounded = True
        try:
            return await answer
        except OperationalError:
            if not self._gave_up:
                raise
            raise self._late(TimeoutError(f"no answer within {self._answer_timeout:g} s")) from None
        finally:
            self._is_bounded = False
            timer.cancel()

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
        """Run a statement; whether a transaction is open afterwards is only known where the answer says so."""
        self._in_doubt = True
        answer = super().query(sql, unbuffered)
        rows = await (self._bounded(answer) if self._logged_in else answer)
        self._in_doubt = not self._is_status_known()
        return rows

    def _is_status_known(self) -> bool:
        # aiomysql reads the status of an answer without rows. One with rows may have opened a snapshot, unless every
        # statement is its own transaction.
        result = self._result
        if result is None:
            return False
        return result.server_status is not None or (self.get_autocommit() and result.has_next == 0)

    async def commit(self) -> None:
        """Commit, unless the server has said that no transaction is open."""
        if self._may_be_in_transaction:
            await super().commit()
            self._in_doubt = False

    async def rollback(self) -> None:
        """Roll back, unless the server has said that no transaction is open: mostly a COMMIT went out just before."""
        if self._may_be_in_transaction:
            await super().rollback()
            self._in_doubt = False

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
