"""What PostgreSQL lets past a session's read-only state, so that it is refused before it is sent (contract C5.10).

The server takes SET and RESET of a transaction's mode until its first query, and a BEGIN that says READ WRITE. A
function or a DO block comes too late for that: to run it is a query. What may commit and begin anew by itself, as a
procedure outside of a transaction, has a first query again.
"""

from __future__ import annotations

import re

from myfy_data.engines.postgresql.bare_text import bare_statements
from myfy_data.engines.postgresql.judged_once import judged_once
from myfy_data.errors import ReadOnlySessionError

_MAY_MATTER = re.compile(
    r"(?:\A|;|\*/|[\n\r])[^\S\n\r]*(?:set|reset|begin|start|call|do|commit|end|abort|rollback|prepare)\b",
    re.IGNORECASE | re.ASCII,
)
"""Asked first: few texts have one of these words where a statement could begin."""

_SET = r"set (?:session |local )?"
_NAME = r"(?:default_)?transaction_read_only\b"
_ALLOWS = re.compile(
    rf"(?:begin|start transaction|{_SET}(?:transaction|session characteristics))\b.*\bread write\b"
    rf"|{_SET}{_NAME}(?! ?(?:=|to\b) ?(?:on|true|yes|1|'on')\Z)"
    rf"|reset {_NAME}"
    rf'|(?:{_SET}|reset )U&""',
    re.IGNORECASE | re.ASCII,
)
_ENDS = re.compile(
    r"(?:commit|end|abort|rollback(?! (?:(?:work|transaction) )?to\b)|prepare transaction)\b", re.IGNORECASE | re.ASCII
)
_MAY_COMMIT = re.compile(r"(?:call|do)\b", re.IGNORECASE | re.ASCII)

_REFUSED = (
    "a read-only session is not told to write (SET TRANSACTION READ WRITE, or in other words)\n"
    "  fix: write in a session that is not: without `read_only=True`, of a profile without `read_only = true`"
)
_GOES_ON = (
    "a read-only session sends no text that goes on behind its own COMMIT or ROLLBACK: what begins there may write\n"
    "  fix: send its statements one by one"
)
_NO_CALL = (
    "in AUTOCOMMIT, CALL and DO may commit and go on in a transaction that writes: a read-only session sends neither\n"
    '  fix: send it in a session without isolation_level = "AUTOCOMMIT": in a transaction the server refuses that'
)


@judged_once(1024)
def is_suspect(sql: str) -> bool:
    """Whether a read-only session may have to refuse a text."""
    return _has(sql, _ALLOWS, _MAY_COMMIT) or goes_on(sql)


def allows_writes(sql: str) -> bool:
    """Whether a text says that a transaction may write."""
    return _has(sql, _ALLOWS)


def may_commit(sql: str) -> bool:
    """Whether a text runs something that commits by itself where no transaction is open."""
    return _has(sql, _MAY_COMMIT)


def goes_on(sql: str) -> bool:
    """Whether a text has a statement behind the end of its transaction: nothing asks what that one may do.

    By `set_config` or RESET ALL before it, or in a message before, the next transaction may be one that writes.
    """
    if _MAY_MATTER.search(sql) is None:
        return False
    has_ended = False
    for statement in filter(None, bare_statements(sql)):
        ends = _ENDS.match(statement) is not None
        if has_ended and not ends:
            return True
        has_ended = has_ended or ends
    return False


def _has(sql: str, *patterns: re.Pattern[str]) -> bool:
    """Whether a statement of a text begins with one of these."""
    if _MAY_MATTER.search(sql) is None:
        return False
    return any(pattern.match(statement) for statement in bare_statements(sql) for pattern in patterns)


def refuse(profile: str, sql: str, *, is_in_block: bool) -> None:
    """Refuse what would let a read-only session write.

    Raises:
        ReadOnlySessionError: the text may do so.
    """
    if allows_writes(sql):
        raise ReadOnlySessionError(profile, _REFUSED)
    if goes_on(sql):
        raise ReadOnlySessionError(profile, _GOES_ON)
    if not is_in_block and may_commit(sql):
        raise ReadOnlySessionError(profile, _NO_CALL)
