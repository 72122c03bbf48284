"""PostgreSQL's SQLSTATEs by what they mean, each told once."""

from __future__ import annotations

READ_ONLY_TRANSACTION = "25006"
"""What a standby says, too."""

SERIALIZATION_FAILURE = "40001"
DEADLOCK = "40P01"
COMPLETION_UNKNOWN = "40003"
RESOLUTION_UNKNOWN = "08007"
SHUTDOWN = "57P01"
CRASHED = "57P02"
CANNOT_CONNECT_NOW = "57P03"

WRONG_LOGIN = "28P01"
INVALID_AUTHORIZATION = "28000"
"""The user is not there any more; or no line of pg_hba.conf lets it in, which its words tell."""

AUTHORIZATION_CLASS = "28"
"""Both of them, and what comes with a later version."""

CONNECTION_CLASS = "08"

STOPPING = frozenset({SHUTDOWN, CRASHED, CANNOT_CONNECT_NOW})

OUTCOME_UNKNOWN = STOPPING | {RESOLUTION_UNKNOWN, COMPLETION_UNKNOWN}
"""The statement may have taken effect; so it is with the whole class of the connection."""


def is_answer(state: str | None) -> bool:
    """Whether an error with this state tells that the statement has not taken effect."""
    return bool(state) and state not in OUTCOME_UNKNOWN and not str(state).startswith(CONNECTION_CLASS)


STARTING_CLASS = "57P0"
"""A server that stops or starts."""

UNKNOWN_DATABASE = "3D000"

FAILED_TRANSACTION = "25P02"
"""An error before has failed the transaction, so that nothing but its end is taken."""

DATABASE_EXISTS = frozenset({"42P04", "23505"})
"""What CREATE DATABASE says of a name that is taken; the second of one that another session is just creating."""

TOO_MANY_CONNECTIONS = "53300"

NOT_READY = STOPPING | {TOO_MANY_CONNECTIONS, "08000", "08003", "08006"}
"""What a server says to a new connection while it is full, starting or stopping."""

NAMES_NOTHING = frozenset({"42P01", "42703"})
"""A table or a column that is not there."""

ALREADY_SO = NAMES_NOTHING | {"42P07", "42701", "42710", "42704", "42P06"}
"""What DDL that ran before is refused with."""
