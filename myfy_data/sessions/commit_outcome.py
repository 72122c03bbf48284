"""What an error says about the database: is the COMMIT's outcome known, was a write refused (contract C5.3, C5.10)."""

from __future__ import annotations

import asyncio
import enum
import sqlite3
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from myfy_data.engines.connect.connect_errors import chain
from myfy_data.engines.mysql import error_codes
from myfy_data.engines.postgresql import sqlstates
from myfy_data.engines.sqlite.error_names import is_read_only
from myfy_data.errors import DatabaseTimeoutError, TransactionEndedError


class Outcome(enum.Enum):
    """What a commit came to, in words for the log (contract C5.3)."""

    NOT_REACHED = "not stored"  # something failed before COMMIT was sent
    REFUSED = "not committed"
    UNKNOWN = "stored or not"
    STORED = "stored"
    ENDED = "not stored, ended by the database"
    ENDED_AND_STORED = "stored as far as it was when the database ended it"

    @property
    def keeps_something(self) -> bool:
        """Whether the database surely has some of the work."""
        return self in (Outcome.STORED, Outcome.ENDED_AND_STORED)

    @property
    def may_be_stored(self) -> bool:
        """Whether a COMMIT that failed may have left some of the work stored."""
        return self in (Outcome.UNKNOWN, Outcome.ENDED_AND_STORED)


_BY_THE_DATABASE = {True: Outcome.ENDED_AND_STORED, False: Outcome.ENDED, None: Outcome.UNKNOWN}
"""What a transaction came to that the database has ended."""

_DENIAL = "the work of a request was not committed (profiles %s): %s"

_SENTENCES: Mapping[Outcome, str] = {
    Outcome.NOT_REACHED: _DENIAL,
    Outcome.REFUSED: _DENIAL,
    Outcome.UNKNOWN: "the outcome of a request is unknown: its work may be stored or not (profiles %s): %s",
    Outcome.STORED: "the work of a request is stored (profiles %s), although its end failed: %s",
    Outcome.ENDED: "the work of a request was not committed, the database had ended its transaction (profiles %s): %s",
    Outcome.ENDED_AND_STORED: (
        "the work of a request is stored up to where the database ended its transaction (profiles %s): %s"
    ),
}

_CANCELLED = "the work of a request is stored (profiles %s), although the request was cancelled"

_DRIVERS = frozenset({"asyncpg", "aiomysql", "pymysql"})


def unknown_reason(error: BaseException) -> str | None:
    """Why it is unknown whether the COMMIT that raised `error` took place; None when it surely did not.

    A server that answered with an error has refused: known. Everything else, such as a lost connection or a
    deadline, leaves it open.
    """
    name = type(_driver_error(error)).__name__
    if isinstance(error, asyncio.CancelledError):
        return "cancelled, and no answer came in time"
    if isinstance(error, TimeoutError):
        without_connection = isinstance(error, DatabaseTimeoutError) and error.phase in ("connect", "checkout")
        return None if without_connection else "no answer within the deadline"
    if isinstance(error, DBAPIError):
        lost = not is_of_a_statement(error) and (error.connection_invalidated or not _is_answer(error))
    else:
        lost = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _DRIVERS
    return f"the connection was lost: {name}" if lost else None


def _is_answer(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return True
    code = server_code(error)
    if code is not None:  # MySQL's; newer drivers give it an SQLSTATE as well, which tells less
        return (
            code >= error_codes.FIRST_OF_SERVER
            and code not in error_codes.CLIENT
            and code not in error_codes.OUTCOME_UNKNOWN
        )
    return sqlstates.is_answer(server_state(error))


def refused_outcome(error: BaseException) -> Outcome:
    """What a COMMIT that raised `error` came to, where the server did answer: it may have been ended before."""
    kept = error.committed if isinstance(error, TransactionEndedError) else False
    return Outcome.REFUSED if kept is False else _BY_THE_DATABASE[kept]


def is_of_a_statement(error: BaseException) -> bool:
    """Whether an error inside a commit is a flush's: then COMMIT was not sent."""
    return isinstance(error, DBAPIError) and error.statement is not None


def describe_outcome(outcomes: Mapping[str, Outcome], error: BaseException) -> str:
    """One sentence for the log: what became of a request's work when its end raised `error`.

    Args:
        outcomes: what the commit of each profile that took part came to, by name.
        error: what was raised.
    """
    found = dict(outcomes)
    for item in chain(error):
        if isinstance(item, TransactionEndedError):
            found[item.profile] = _BY_THE_DATABASE[item.committed]
    kinds = {_SENTENCES[outcome]: outcome for outcome in found.values()}
    name = type(error).__name__
    if len(kinds) > 1:
        each = ", ".join(f"{profile!r} {outcome.value}" for profile, outcome in found.items())
        kept = any(outcome.keeps_something for outcome in found.values())
        return f"the work of a request is {'stored in part' if kept else 'not stored as a whole'} ({each}): {name}"
    names = ", ".join(repr(profile) for profile in found)
    outcome = next(iter(kinds.values()), Outcome.NOT_REACHED)
    if outcome is Outcome.STORED and isinstance(error, asyncio.CancelledError):
        return _CANCELLED % names
    return _SENTENCES[outcome] % (names, name)


def is_read_only_refusal(error: DBAPIError) -> bool:
    """Whether the server refused a statement because the transaction is read-only."""
    if (
        server_state(error) == sqlstates.READ_ONLY_TRANSACTION
        or server_code(error) == error_codes.READ_ONLY_TRANSACTION
    ):
        return True
    return error.orig is not None and is_read_only(error.orig)


def server_state(error: DBAPIError) -> str:
    """The SQLSTATE that PostgreSQL answered with; empty when there is none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def server_code(error: DBAPIError) -> int | None:
    """The number that MySQL or MariaDB answered with."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
