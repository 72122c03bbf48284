"""aiomysql's connection with an end to every wait; stock aiomysql waits for an answer without any bound (C10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from aiomysql import OperationalError
from pymysql.err import Error

from myfy_data.engines.connect.deadline import Deadline
from myfy_data.engines.connect.transport import CLOSE_TIMEOUT
from myfy_data.engines.mysql.reading import BufferedConnection
from myfy_data.errors import ConcurrentSessionError

T = TypeVar("T")


class BoundedConnection(BufferedConnection):
    """A connection that does not wait forever.

    Args:
        profile: the profile's name, for errors.
        answer_timeout: seconds to wait for each answer of the server from the log-in until `settle`.
        late: makes the error for one that took longer.
        arguments: those of the log-in.
    """

    _is_bounded = False
    _gave_up = False

    def __init__(
        self, *, profile: str, answer_timeout: float, late: Callable[[TimeoutError], Exception], **arguments: object
    ) -> None:
        super().__init__(**arguments)
        self._profile = profile
        self._answer_timeout = answer_timeout
        self._late = late
        self._deadline = Deadline(self._loop)

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
        self, *packet_type: object
    ) -> Coroutine[object, None, object]:
        packet = super()._read_packet(*packet_type)
        if not self._logged_in:
            return self._check_login(packet)
        # Rows of a stream are read one by one, after the statement.
        return packet if self._is_bounded else self._bounded(packet)

    async def _bounded(self, answer: Coroutine[object, None, T]) -> T:
        """Wait for an answer, and disconnect when it does not come; the waiter gets the error."""
        if self._is_bounded:
            answer.close()
            raise self._busy()
        timer = self._deadline.call_later(self._answer_timeout, self._give_up)
        self._is_bounded = True
        try:
            return await answer
        except Error as error:
            if self._gave_up and isinstance(error, OperationalError):
                raise self._late(TimeoutError(f"no answer within {self._answer_timeout:g} s")) from None
            self._note_error(error)
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
            self._writer.transport.abort()  # and no more: a pending read still needs the reader

    def _note_error(self, error: Exception) -> None:
        """The server refused something."""

    async def ensure_closed(self) -> None:
        """Send QUIT and close; a server that does not take it is not waited for."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
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
