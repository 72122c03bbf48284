"""Whether the transaction of a MySQL connection is still there, as the server's answers tell (contract C16.4).

A deadlock rolls the whole transaction back; DDL, `START TRANSACTION` and a literal COMMIT end it. SQLAlchemy sees none
of that: what follows would be stored without what came before, or each statement for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from myfy_data.engines.connect.leading_comments import match_behind
from myfy_data.engines.mysql.error_codes import MAY_ROLL_BACK
from myfy_data.errors import TransactionEndedError

IN_TRANSACTION = 0x0001
AUTOCOMMIT = 0x0002
STATE_CHANGED = 0x4000
"""Bits of the status in each answer: a transaction is open, every statement is one, the session's state follows."""

_VARIABLE = 0
_TRANSACTION_STATE = 5
"""Kinds of changes that an answer tells: a variable and its value; eight letters for what the transaction has done,
`_` for what has not happened, the first for how it began."""

_READ_ONLY_VARIABLES = frozenset({b"tx_read_only", b"transaction_read_only"})
_ISOLATION_VARIABLES = frozenset({b"tx_isolation", b"transaction_isolation"})
"""MariaDB's names and MySQL's."""

_STORING = frozenset(
    {
        *("COMMIT", "BEGIN", "START", "SET"),
        *("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "INSTALL", "UNINSTALL", "IMPORT"),
        *("ANALYZE", "CHECK", "OPTIMIZE", "REPAIR", "CACHE", "LOAD", "FLUSH", "RESET", "LOCK", "UNLOCK"),
        *("CHANGE", "STOP", "PURGE", "SHUTDOWN"),
    }
)
"""First words of statements that commit what is open, by themselves or before their work (MySQL's manual, "Statements
That Cause an Implicit Commit"; so does MariaDB). CALL and EXECUTE run what may do either."""

_COMMITS_BEFORE_ITS_WORK = _STORING - {"COMMIT", "SET", "ANALYZE", "LOAD"} | {"CALL", "EXECUTE"}
"""First words of what may have committed before it came upon a conflict. COMMIT itself then stored nothing, and the
others that are left out run the statement behind them (`SET STATEMENT ... FOR`, `ANALYZE`) or none that conflicts."""

_LOCKED_TABLES = b"L"

_LOCKS = re.compile(r"\bfor\s+(update|share)\b|\block\s+in\s+share\b", re.IGNORECASE)
"""What a SELECT that locks has in it; its answer does not tell."""

_GAP = re.compile(r"(?:\s+|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)*", re.DOTALL)

_FIRST_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a transaction ended without us.

    Attributes:
        reason: in words.
        committed: whether what it had done is stored; None where that is not known.
        cause: the server's error, without its traceback.
    """

    reason: str
    committed: bool | None
    cause: Exception | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What an answer tells of the session beside its status.

    Attributes:
        state: what the open transaction has done; None when that did not change.
        reads_only: whether the following transactions are refused writes; None when that did not change.
        isolation: their isolation level, in SQLAlchemy's words; None when that did not change.
    """

    state: bytes | None = None
    reads_only: bool | None = None
    isolation: str | None = None


NOTHING_CHANGED = Changes()


class ServerTransaction:
    """The transaction that a connection believes to have.

    Judged by the server's status alone: one that was open and is not any more, although neither COMMIT nor ROLLBACK was
    sent by the driver, has been ended. One that has only read and was ended by a statement that succeeded lost nothing.

    Attributes:
        may_end: whether statements may end it, as DDL does in migrations.
        is_managed: whether a transaction lasts until COMMIT or ROLLBACK; False in autocommit, where none begins.
        is_open: whether the last answer said that one is open.
        in_doubt: whether something was sent since.
        reads_only: whether the server refuses the writes of the transactions that follow.
        isolation: their isolation level, in SQLAlchemy's words; empty for the server's own, while none was chosen.
        ended: how it ended; None while it has not.
    """

    __slots__ = (
        "_error", "_failed_sql", "_has_done", "_state", "ended", "in_doubt", "is_managed", "is_open", "isolation",
        "may_end", "reads_only", "sql",
    )  # fmt: skip

    def __init__(self) -> None:
        self.may_end: bool = False
        self.reads_only: bool = False
        self.isolation: str = ""
        self.is_managed: bool = True
        self.sql: str | bytes | bytearray = b""
        self._failed_sql: str | bytes | bytearray = b""
        self.forget()

    def forget(self) -> None:
        """A COMMIT or ROLLBACK of our own is about to be sent, or none is needed: what was, is over."""
        self.is_open: bool = False
        self.in_doubt: bool = False
        self._has_done = False
        self.ended: Ended | None = None
        self._error: Exception | None = None
        self._state = b""

    @property
    def may_have_worked(self) -> bool:
        """Whether it may have done more than read, or has locked rows."""
        return self._has_done or self.in_doubt

    @contextmanager
    def unmanaged(self) -> Iterator[None]:
        """Inside, the session is reset and told anew what it is; no transaction is open, before or after."""
        self.forget()
        was, self.is_managed = self.is_managed, False
        yield
        self.is_managed = was
        self.forget()

    def note_error(self, error: Exception) -> None:
        """The server refused something; only its next answer tells what became of the transaction."""
        self._failed_sql = self.sql
        self._error = type(error)(*error.args)  # a copy: the frames of the other one hold what the user worked with

    def hear(self, status: int, changes: Changes = NOTHING_CHANGED, *, may_work: bool = True) -> None:
        """Take note of an answer.

        Args:
            status: the bits that the server sent.
            changes: what it told beside them.
            may_work: whether a statement was answered that may have written; one with rows has read.
        """
        if changes is not NOTHING_CHANGED:
            self._note(changes)
        state = changes.state
        was_open, self.is_open, self.in_doubt = self.is_open, bool(status & IN_TRANSACTION), False
        if self.is_managed and not self.may_end:
            if status & AUTOCOMMIT:
                self._end("autocommit was switched on", committed=self._is_kept())
            elif was_open and self._is_lost(state):
                self._judge()
        if state is not None:
            self._state = state
        if not self.is_open:
            self._has_done = False
        elif not self._has_done:
            self._has_done = not _is_fresh(self._state) if may_work else self._locks()
        self._error = None

    def _note(self, changes: Changes) -> None:
        if changes.reads_only is not None:
            self.reads_only = changes.reads_only
        if changes.isolation is not None:
            self.isolation = changes.isolation

    def _is_lost(self, state: bytes | None) -> bool:
        """Whether the one that was open is gone, or another one stands in its place."""
        if not self.is_open:
            return True
        if state is None or not self._has_done:
            return False
        # LOCK TABLES ends what was open as well, and begins anew with locks.
        return _is_fresh(state) or (_LOCKED_TABLES in state and _LOCKED_TABLES not in self._state)

    def _locks(self) -> bool:
        text = _text(self.sql)
        upper = text.upper()
        return ("UPDATE" in upper or "SHARE" in upper) and _LOCKS.search(text) is not None

    def _judge(self) -> None:
        number = self._error.args[0] if self._error is not None and self._error.args else None
        if number in MAY_ROLL_BACK:
            self._end(f"the server ended it with error {number}", committed=self._is_kept_despite_conflict())
            return
        # Behind any other error it was ended by what its statement does before its work: DDL, which commits.
        word = self._word()
        if self._has_done and word != "XA":  # by which SQLAlchemy itself commits in two phases
            self._end(f"{word or 'a statement'} ended it", committed=self._is_kept())

    @property
    def _last_text(self) -> str:
        return _text(self.sql if self._error is None else self._failed_sql)

    def _word(self) -> str:
        """The first word of what was sent, in capitals."""
        found = match_behind(_GAP, _FIRST_WORD, self._last_text)
        return found.group().upper() if found is not None else ""

    def _is_kept_despite_conflict(self) -> bool | None:
        """Whether a deadlock or a lock that could not be had left it stored; None where it may have been before."""
        return None if self._is_several() or self._word() in _COMMITS_BEFORE_ITS_WORK else False

    def _is_several(self) -> bool:
        return ";" in self._last_text.rstrip("; \t\r\n")

    def _is_kept(self) -> bool | None:
        """Whether the statement that ended it has stored it; None for what may do both, as a procedure."""
        if self._is_several():  # and any of them may have done it
            return None
        word = self._word()
        if word == "ROLLBACK":
            return False
        return True if word in _STORING and not (word == "COMMIT" and self._error is not None) else None

    def _end(self, reason: str, *, committed: bool | None) -> None:
        if self.ended is None:
            self.ended = Ended(reason, committed, self._error)

    def check(self, profile: str) -> None:
        """Refuse whatever comes after the end.

        Raises:
            TransactionEndedError: it has ended.
        """
        if self.ended is not None:
            error = TransactionEndedError(profile, self.ended.reason, committed=self.ended.committed)
            raise error from self.ended.cause


def _text(sql: str | bytes | bytearray) -> str:
    return sql if isinstance(sql, str) else sql.decode("utf-8", "replace")


def _is_fresh(state: bytes) -> bool:
    """Whether a transaction is said to have begun, and to have done nothing yet.

    MySQL tells of eight `_` when a temporary table is made, in whatever transaction.
    """
    return state[:1] in (b"T", b"I") and not state[1:].strip(b"_")


@lru_cache(maxsize=256)  # connections say the same few things again and again
def session_changes(message: bytes) -> Changes:
    """What an OK packet tells behind its counts.

    Args:
        message: a text for people, then the changes of the session's state, each of them behind its length.
    """
    state: bytes | None = None
    reads_only: bool | None = None
    isolation: str | None = None
    _, changes = _split(message)
    changes, _ = _split(changes)
    while changes:
        kind, (data, changes) = changes[0], _split(changes[1:])
        if kind == _TRANSACTION_STATE:
            state = _split(data)[0]
        elif kind == _VARIABLE:
            name, value = _split(data)
            if name in _READ_ONLY_VARIABLES:
                reads_only = _split(value)[0] in (b"ON", b"1")
            elif name in _ISOLATION_VARIABLES:
                isolation = _split(value)[0].decode("ascii", "replace").replace("-", " ")
    return Changes(state, reads_only, isolation)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """What stands behind a length, and what comes after it."""
    if not data:
        return b"", b""
    size, start = data[0], 1
    if size > 250:
        start = {0xFC: 3, 0xFD: 4}.get(size, 9)
        size = int.from_bytes(data[1:start], "little")
    return data[start : start + size], data[start + size :]
