"""What PostgreSQL lets past a session's read-only state, so that it is refused before it is sent (contract C5.10).

The server takes SET and RESET of a transaction's mode until its first query, and a BEGIN that says READ WRITE. A
function or a DO block comes too late for that: to run it is a query. What may commit and begin anew by itself, as a
procedure outside of a transaction, has a first query again.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from itertools import dropwhile

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


class Suspicion(enum.Enum):
    """What a text may bring about in a read-only session; the first that holds."""

    ALLOWS_WRITES = "says that a transaction may write"
    GOES_ON = "has a statement behind the end of its transaction"  # by set_config before, the next one may write
    MAY_COMMIT = "runs what commits by itself where no transaction is open"


@judged_once(1024)
def suspicion(sql: str) -> Suspicion | None:
    """Why a read-only session may have to refuse a text; None for nearly every one."""
    if _MAY_MATTER.search(sql) is None:
        return None
    statements = bare_statements(sql)
    if any(map(_ALLOWS.match, statements)):
        return Suspicion.ALLOWS_WRITES
    if _goes_on(statements):
        return Suspicion.GOES_ON
    return Suspicion.MAY_COMMIT if any(map(_MAY_COMMIT.match, statements)) else None


def _goes_on(statements: Iterable[str]) -> bool:
    behind = dropwhile(lambda statement: _ENDS.match(statement) is None, statements)
    return any(statement and _ENDS.match(statement) is None for statement in behind)


def refuse(profile: str, why: Suspicion, *, is_in_block: bool) -> None:
    """Refuse what would let a read-only session write.

    Raises:
        ReadOnlySessionError: it may do so.
    """
    if why is Suspicion.ALLOWS_WRITES:
        raise ReadOnlySessionError(profile, _REFUSED)
    if why is Suspicion.GOES_ON:
        raise ReadOnlySessionError(profile, _GOES_ON)
    if not is_in_block:
        raise ReadOnlySessionError(profile, _NO_CALL)
