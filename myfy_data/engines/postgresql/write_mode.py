"""What PostgreSQL lets past a session's read-only state, so that it is refused before it is sent (contract C5.10).

The server takes SET and RESET of a transaction's mode until its first query, and a BEGIN that says READ WRITE. A
function or a DO block comes too late for that: to run it is a query. What may commit and begin anew by itself, as a
procedure outside of a transaction, has a first query again.
"""

from __future__ import annotations

import functools
import re

from myfy_data.errors import ReadOnlySessionError

_SPACE = r"(?:\s|/\*.*?\*/|--[^\n]*\n)"
_NAME = r'"?(?:default_)?transaction_read_only"?'
_ON = rf"(?!{_SPACE}*(?:=|\bto\b){_SPACE}*'?(?:on|true|yes|1)\b)"
_ALLOWS = re.compile(
    rf"\b(?:transaction|begin|work)\b[^']*?\bread{_SPACE}+write\b"
    rf"|\b(?:set|session|local){_SPACE}+{_NAME}{_ON}"
    rf"|\breset{_SPACE}+{_NAME}",
    re.IGNORECASE | re.DOTALL,
)
_MAY_COMMIT = re.compile(rf"(?:^|;){_SPACE}*(?:call|do)\b", re.IGNORECASE | re.DOTALL)

_REFUSED = (
    "a read-only session is not told to write (SET TRANSACTION READ WRITE, or in other words)\n"
    "  fix: write in a session that is not: without `read_only=True`, of a profile without `read_only = true`"
)
_NO_CALL = (
    "in AUTOCOMMIT, CALL and DO may commit and go on in a transaction that writes: a read-only session sends neither\n"
    '  fix: send it in a session without isolation_level = "AUTOCOMMIT": in a transaction the server refuses that'
)


@functools.lru_cache(maxsize=1024)
def is_suspect(sql: str) -> bool:
    """Whether a read-only session may have to refuse a text."""
    return allows_writes(sql) or may_commit(sql)


def allows_writes(sql: str) -> bool:
    """Whether a text says that a transaction may write."""
    return _ALLOWS.search(sql) is not None


def may_commit(sql: str) -> bool:
    """Whether a text runs something that commits by itself where no transaction is open."""
    return _MAY_COMMIT.search(sql) is not None


def refuse(profile: str, sql: str, *, is_in_block: bool) -> None:
    """Refuse what would let a read-only session write.

    Raises:
        ReadOnlySessionError: the text may do so.
    """
    if allows_writes(sql):
        raise ReadOnlySessionError(profile, _REFUSED)
    if not is_in_block and may_commit(sql):
        raise ReadOnlySessionError(profile, _NO_CALL)
