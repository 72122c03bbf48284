"""PRAGMA and ATTACH: what a session may tell a SQLite connection, and what of it would reach the next session.

SQLite itself says what a statement is, by its authorizer, which is asked while a statement is prepared. It costs a call
for each column that a statement names, so it stands only while one runs whose first word may be PRAGMA or ATTACH.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from myfy_data.engines.connect.leading_comments import match_behind
from myfy_data.errors import SessionError

if TYPE_CHECKING:
    from typing_extensions import Buffer

Authorizer = Callable[..., int]

_PLAIN = frozenset("bcdfghijklmnoqrstuvwxyzBCDFGHIJKLMNOQRSTUVWXYZ")
"""First letters of statements that are neither PRAGMA nor ATTACH, nor explain one: SQLite sets pragmas even then."""

_WATCHED = frozenset({"PRAGMA", "ATTACH", "EXPLAIN"})

_LASTING = frozenset(
    {
        "application_id",
        "defer_foreign_keys",
        "foreign_key_check",
        "foreign_key_list",
        "incremental_vacuum",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "optimize",
        "quick_check",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
        "wal_checkpoint",
    }
)
"""Pragmas whose argument leaves the connection as it is: they ask, or change the file, or end with the transaction."""

_OFF = frozenset({"0", "off", "no", "false"})

_READ_ONLY_FILE = re.compile(r"file:.*[?&]mode=(ro|memory)\b|:memory:$")

_NO_PRAGMA = (
    "PRAGMA query_only is on for as long as the session is read-only\n"
    "  fix: write in a session that is not: without `read_only=True`"
)
_NO_FILE = (
    "ATTACH in a read-only session takes a file that cannot be written, in words, not as a parameter\n"
    "  fix: ATTACH 'file:/path/to/other.db?mode=ro' AS other"
)
NOT_IN_A_TRANSACTION = (
    "SQLite ignores PRAGMA foreign_keys inside a transaction\n"
    '  fix: PRAGMA defer_foreign_keys = ON checks them at COMMIT; a connection with isolation_level="AUTOCOMMIT" takes'
    " the pragma; `[data.profiles.{profile}.sqlite] foreign_keys = false` holds for the whole profile"
)

_BEFORE_A_WORD = re.compile(r"(?:\s|;|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"\w*")


def first_word(sql: str) -> str:
    """The first word of a statement, in capitals, behind spaces and comments."""
    return cast("re.Match[str]", match_behind(_BEFORE_A_WORD, _WORD, sql)).group().upper()


def is_watched(sql: str) -> bool:
    """Whether a statement may be a PRAGMA or an ATTACH; cheap for those that plainly are not."""
    return sql[:1] not in _PLAIN and first_word(sql) in _WATCHED


class PragmaWatch:
    """Asked by SQLite while it prepares a statement.

    Args:
        read_only: whether the session is.
        then: the user's own authorizer, asked behind this one.

    Attributes:
        alters: whether the connection is no longer what the profile says.
        foreign_keys: what `PRAGMA foreign_keys` was told; None for nothing.
        refusal: why the statement was refused; empty when it was not.
    """

    def __init__(self, *, read_only: bool, then: Authorizer | None) -> None:
        self._read_only = read_only
        self._then = then
        self.alters: bool = False
        self.foreign_keys: bool | None = None
        self.refusal: str = ""

    def __call__(self, action: int, name: str | None, value: str | None, *place: str | None) -> int:
        """Allow or deny."""
        if action == sqlite3.SQLITE_PRAGMA and value is not None:
            self._hear_pragma((name or "").lower(), value.strip("'\"").lower())
        elif action == sqlite3.SQLITE_ATTACH:
            self._hear_attach(name)
        if self.refusal:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK if self._then is None else self._then(action, name, value, *place)

    def _hear_pragma(self, name: str, value: str) -> None:
        if name == "query_only" and self._read_only:
            self.refusal = _NO_PRAGMA if _is_off(value) else ""
        elif name == "foreign_keys":
            self.foreign_keys, self.alters = not _is_off(value), True
        elif name not in _LASTING:
            self.alters = True

    def _hear_attach(self, path: str | None) -> None:
        self.alters = True
        if self._read_only and not _READ_ONLY_FILE.match(path or ""):
            self.refusal = _NO_FILE


def _is_off(value: str) -> bool:
    return value in _OFF or (value.isdigit() and int(value) == 0)


class WatchedConnection(sqlite3.Connection):
    """A connection that knows whether it still is what its profile describes.

    Attributes:
        profile: the profile's name.
        is_altered: whether something has changed its state, so that it must not meet the next session.
        is_read_only_file: whether it is opened so that nothing can be written, whatever it is told.
    """

    profile = ""
    is_altered: bool = False
    is_read_only_file = False
    _refuses_writes = False
    _authorizer: Authorizer | None = None

    def watched(self, work: Callable[[], object]) -> bool:
        """Do something while SQLite tells what it is; whether `PRAGMA foreign_keys` was ignored.

        Raises:
            SessionError: it would end what the session promises.
        """
        watch = PragmaWatch(read_only=self._refuses_writes and not self.is_read_only_file, then=self._authorizer)
        super().set_authorizer(watch)
        try:
            work()
        except sqlite3.DatabaseError as error:
            if watch.refusal:
                raise SessionError(self.profile, watch.refusal) from error
            raise
        finally:
            super().set_authorizer(self._authorizer)
            self.is_altered = self.is_altered or watch.alters
        return watch.foreign_keys not in (None, self._enforces_foreign_keys())

    def _enforces_foreign_keys(self) -> bool:
        return bool(super().cursor().execute("PRAGMA foreign_keys").fetchone()[0])

    def set_authorizer(self, authorizer_callback: Authorizer | None) -> None:
        """Ask an authorizer of the user's, until the connection goes back to the pool."""
        self._authorizer, self.is_altered = authorizer_callback, True
        super().set_authorizer(authorizer_callback)

    if sys.version_info >= (3, 12):

        def setconfig(self, *arguments: object) -> None:
            """Configure, until the connection goes back to the pool."""
            self.is_altered = True
            super().setconfig(*arguments)

    def deserialize(self, data: Buffer, /, *, name: str = "main") -> None:
        """Put a database in memory in the place of the file, until the connection goes back to the pool."""
        self.is_altered = True
        super().deserialize(data, name=name)
