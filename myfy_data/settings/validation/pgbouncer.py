"""What a pooler in transaction mode cannot give (contract C2, C9)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.fault import Fault, Repair

_PASSED_ON = frozenset({"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"})
"""Start-up settings that PgBouncer sets again on whatever server connection a client gets."""

STATEMENT_CACHES = ("statement_cache_size", "prepared_statement_cache_size")
"""What asyncpg and SQLAlchemy's dialect of it call the number of statements that they keep prepared."""


def pooler_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What a profile behind PgBouncer asks for and cannot have."""
    yield from _lost_sessions(settings, url)
    message = "the statement is prepared on one server, and the next transaction runs on another"
    part = settings.query or {}
    for key in STATEMENT_CACHES:
        for table, given in (("connect_args", settings.connect_args), ("query", part)):
            if key in given and str(given[key]) != "0":
                zero: object = 0 if table == "connect_args" else "0"
                yield Fault((table, key), message, Repair(write=(((table, key), zero),)))
        if key not in part and url.query.get(key, "0") != "0":
            yield Fault(("database_url",), f"{key}: {message}", Repair(from_url=(key,), in_url=(f"{key}=0",)))


def pooler_doubts(settings: ProfileSettings) -> Iterator[Fault]:
    """What only works if PgBouncer was told to look away: its `ignore_startup_parameters`."""
    given = settings.connect_args.get("server_settings")
    if settings.pooler == "pgbouncer" and isinstance(given, dict):
        for key in sorted(key for key in given if key.lower() not in _PASSED_ON):
            message = f"PgBouncer refuses the start-up setting {key!r}, or ignores it when told to"
            words = f"delete {key}; ALTER ROLE ... SET {key} on the server"
            yield Fault(("connect_args", "server_settings"), message, Repair(words=words))


def _lost_sessions(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What belongs to a session, which lasts for one transaction here."""
    if settings.statement_timeout is not None:
        role = shlex.quote(url.username or "app")
        milliseconds = max(1, round(settings.statement_timeout * 1000))
        words = f"delete it, and on the server: ALTER ROLE {role} SET statement_timeout = '{milliseconds}ms'"
        message = "PgBouncer in transaction mode refuses start-up settings"
        yield Fault(("statement_timeout",), message, Repair(words=words))
    if settings.isolation_level == "AUTOCOMMIT":
        yield Fault(("isolation_level",), NO_AUTOCOMMIT, Repair(delete=(("isolation_level",),)))
    if settings.pool_reset_on_return == "discard":
        message = (
            "behind PgBouncer, DISCARD ALL would go to a server connection that is another client's by now;"
            " PgBouncer itself can do it: server_reset_query_always = 1"
        )
        yield Fault(("pool_reset_on_return",), message, Repair(delete=(("pool_reset_on_return",),)))


NO_AUTOCOMMIT = (
    "without a transaction, PgBouncer may send the two halves of a statement to two servers, where it fails or is"
    " somebody else's"
)
