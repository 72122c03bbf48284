"""What has to be sent to PostgreSQL first, before a message may go out (contract C5.10, C10, C16.4; ADR 0011, 20).

Every message of a connection comes through its gate, whatever its API: the session's statements, a cursor made
by hand, the driver's own methods. The gate sends BEGIN where it is due, has the server refuse writes for as long as a
session is read-only, proves a connection that came out of the pool unasked, and refuses what comes after the end of
the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from myfy_data.engines.observation import Hold
from myfy_data.engines.postgresql.engine import HAND_OUT, is_handed_out
from myfy_data.engines.postgresql.judged_once import judged_once
from myfy_data.engines.postgresql.sqlstates import STOPPING, is_answer
from myfy_data.engines.postgresql.write_mode import refuse, suspicion

_SESSION_WORDS = re.compile(
    r"(?!\s*show\b).*(?:isolation|characteristics|set_config|default_transaction|\b(?:do|reset|discard|call)\b)",
    re.IGNORECASE | re.DOTALL,
)
DISCARD = "DISCARD ALL"
"""Takes a connection back to what it was when it was opened; sent by us where the profile says so (ADR 16)."""

REFUSED = "refused"
"""In the place of a tag: the server answered with an error. What that ends is rolled back."""

_READ_ONLY = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
# EXECUTE may run any of them: prepared by the driver, it stands in no text that passes here.
_ENDING_WORDS = re.compile(r"\b(?:commit|end|rollback|abort|prepare|execute)\b", re.IGNORECASE)
_BEGINNING_WORDS = re.compile(r"\b(?:chain|begin|start|execute)\b", re.IGNORECASE)


class Line(Protocol):
    """A connection's protocol, past the gate."""

    gate: MessageGate

    def send(self, sql: str) -> Awaitable[str]:
        """Send a statement of ours in the simple protocol; the server's tag."""
        ...

    @property
    def is_in_block(self) -> bool:
        """Whether the server said last that a transaction is open, a failed one included."""
        ...

    @property
    def is_dead(self) -> bool:
        """Whether nothing can be sent any more."""
        ...


class Transaction(Protocol):
    """A transaction that SQLAlchemy has begun."""

    is_due: bool
    has_ended: bool
    begin: str

    def abandon(self) -> None:
        """Close the connection: whether the server has begun is unknown."""

    def refuse_if_ended(self) -> None:
        """Raise for whatever comes after the database ended the transaction."""

    def note_end(self, sql: str, answer: object) -> None:
        """Remember what ended it."""

    async def started_at(self) -> object:
        """When the server's transaction started; None inside a failed one."""
        ...


class MessageGate:
    """The state of one server connection that a message has to respect.

    Attributes:
        transaction: what SQLAlchemy has begun; None in AUTOCOMMIT and between units of work.
        passing: the text of the plain SELECT that goes out before BEGIN.
        begin: begins the transaction that a listener's message is to stand in, if there is to be one.
        reconnect: replaces a dead connection; there until the first message of a unit of work has been answered.
        level: the server's own isolation level for this connection; None until it is asked for.
        reader: the profile whose session only reads; empty for one that may write.
        wants_read_only: whether the server is to refuse writes.
        is_read_only: whether it was told so, by us or from the start; None when a statement may have changed that.
        door: is told of the statements that come by the driver's own methods, once something listens.
        guard: raises for a statement that may not be sent at all, as in a test's transaction; None for no such rule.
    """

    __slots__ = (
        "_first_level",
        "_is_untouched",
        "_was_read_only",
        "begin",
        "door",
        "guard",
        "is_read_only",
        "level",
        "passing",
        "reader",
        "reconnect",
        "transaction",
        "wants_read_only",
    )

    def __init__(self, *, read_only: bool) -> None:
        self.transaction: Transaction | None = None
        self.passing: str | None = None
        self.begin: Callable[[], None] | None = None
        self.reconnect: Callable[[], Awaitable[Line]] | None = None
        self.level: str | None = None
        self.door: Hold | None = None
        self.guard: Callable[[str], None] | None = None
        self.reader: str = ""
        self.wants_read_only: bool = read_only
        self.is_read_only: bool | None = read_only
        self._was_read_only = read_only
        self._first_level: str | None = None
        self._is_untouched = True

    def learn_level(self, level: str) -> None:
        """Take note of the server's answer."""
        self.level = level
        if self._is_untouched:
            self._first_level = level

    def lets_pass(self, sql: str) -> bool:
        """Whether a message may go out as it is: there is nothing to be sent first, and nothing to be noted."""
        if self.reconnect is not None or self.guard is not None or self.is_read_only is not self.wants_read_only:
            return False
        if self.reader and suspicion(sql) is not None:
            return False
        door = self.door
        if door is not None and not door.is_inside:  # something listens, and this is no part of what is told as a whole
            return False
        transaction = self.transaction
        if sql == self.passing:
            return transaction is None or transaction.is_due
        if transaction is not None:
            return not transaction.is_due and not transaction.has_ended and leaves_no_trace(sql)
        return not touches_session(sql) and HAND_OUT.get() is None

    def refuse_to_write(self, line: Line, sql: str) -> None:
        """Send nothing by which a session that only reads would write.

        Raises:
            ReadOnlySessionError: the text may do so.
        """
        if self.reader and (why := suspicion(sql)) is not None:
            refuse(self.reader, why, is_in_block=self.transaction is not None or line.is_in_block)

    def begin_for_listener(self) -> None:
        """Begin what a listener's message is to stand in, if SQLAlchemy, which has not begun, is about to."""
        if self.begin is not None and is_handed_out():
            self.begin()

    async def admit(self, line: Line, sql: str) -> Line:
        """Send what is due before a message.

        Args:
            line: the connection's protocol.
            sql: the text of the message, or of the statement that it executes.

        Returns:
            The protocol to send it on: another one when the connection was replaced.

        Raises:
            TransactionEndedError: the database ended the transaction.
        """
        if self.transaction is None:
            self.begin_for_listener()
        transaction = self.transaction
        if transaction is not None:
            transaction.refuse_if_ended()
        if self.guard is not None:
            self.guard(sql)
        if self.reconnect is not None:
            line = await self.verify(line)
            transaction = self.transaction  # a listener to the new connection may have begun it
        if self.is_read_only is not self.wants_read_only:
            await self._settle_read_only(line)
        if transaction is not None and transaction.is_due and sql != self.passing:
            await _begin(line, transaction)
        return line

    async def verify(self, line: Line) -> Line:
        """Send the first message of a unit of work, on another connection when this one turns out to be dead."""
        reconnect, self.reconnect = self.reconnect, None
        transaction = self.transaction
        try:
            if transaction is not None and transaction.is_due and self.is_read_only is self.wants_read_only:
                await _begin(line, transaction)  # as most do
            else:
                await self._send_first(line)
        except Exception as error:
            if reconnect is None or not is_death(error, is_closed=line.is_dead):
                raise
            line = await reconnect()
            await self._send_first(line)
        return line

    async def _send_first(self, line: Line) -> None:
        if self.is_read_only is not self.wants_read_only:
            await self._settle_read_only(line)
        transaction = self.transaction
        if transaction is None:
            await line.send("SELECT 1")
        elif transaction.is_due:
            await _begin(line, transaction)

    async def _settle_read_only(self, line: Line) -> None:
        if line.is_in_block:
            return
        wanted = self.wants_read_only
        self.is_read_only = None  # unless it is answered
        # What the server does by itself comes back: it may refuse writes, too.
        await line.send(_READ_ONLY if wanted else "RESET default_transaction_read_only")
        self.is_read_only = wanted

    def is_settled(self, transaction: Transaction | None) -> bool:
        """Whether nothing is to be sent before a message of this transaction."""
        is_told = transaction is not None and not transaction.is_due and self.reconnect is None
        return is_told and self.guard is None and self.is_read_only is self.wants_read_only

    async def watch(
        self, line: Line, sql: str, send: Callable[..., Awaitable[object]], *args: object, **kwargs: object
    ) -> object:
        """Send a message, and note what it may have changed.

        Args:
            line: the connection's protocol.
            sql: as for `admit`.
            send: sends it.
            args: what it is told after the protocol.
            kwargs: what it is told by name.
        """
        transaction = self.transaction
        if transaction is None or transaction.is_due:
            self._note(sql)
            return await send(line, *args, **kwargs)
        suspect = may_begin_another(sql)
        before = await transaction.started_at() if suspect else None
        answer: Any = None
        try:
            answer = await send(line, *args, **kwargs)
        except Exception as error:
            answer = REFUSED if is_answer(getattr(error, "sqlstate", None)) else None
            raise
        finally:
            self._note(sql)
            if self.transaction is transaction and not line.is_in_block:
                transaction.note_end(sql, answer)
        if suspect and self.transaction is transaction and line.is_in_block:
            after = await transaction.started_at()
            if after is not None and after != before:
                transaction.note_end(sql, answer)
        return answer

    def _note(self, sql: str) -> None:
        if sql == DISCARD:
            self.level, self.is_read_only = self._first_level, self._was_read_only
        elif touches_session(sql):
            self._is_untouched, self.level = False, None
            self.is_read_only = None if self.is_read_only else self.is_read_only


async def _begin(line: Line, transaction: Transaction) -> None:
    transaction.is_due = False
    try:
        await line.send(transaction.begin)
    except BaseException:
        # The server may have begun and SQLAlchemy does not know: with this connection, the next COMMIT would only
        # release a savepoint.
        transaction.is_due = True
        transaction.abandon()
        raise


def is_death(error: Exception, *, is_closed: bool) -> bool:
    """Whether a message failed because its connection is dead, rather than late."""
    left = getattr(error, "sqlstate", None) in STOPPING
    return not isinstance(error, TimeoutError) and (left or is_closed)


@judged_once(4096)
def touches_session(sql: str) -> bool:
    """Whether a statement may change the level at which later transactions begin, or whether they may write."""
    return _SESSION_WORDS.match(sql) is not None


@judged_once(4096)
def leaves_no_trace(sql: str) -> bool:
    """Whether a statement inside a transaction changes nothing that the gate has to know: no word in it ends one."""
    return not touches_session(sql) and _ENDING_WORDS.search(sql) is None


@judged_once(4096)
def may_begin_another(sql: str) -> bool:
    """Whether a text may end a transaction and begin another one, so that the server's word is the same as before."""
    return _ENDING_WORDS.search(sql) is not None and _BEGINNING_WORDS.search(sql) is not None
