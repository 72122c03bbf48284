"""What a pooler in transaction mode cannot give: `config check` warns of it, engines refuse it (contract C2, C9)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from myfy_data.settings.models import DatabaseSettings

Conflict = tuple[tuple[str, ...], str, str]
"""The key's path below the profile, what is wrong, and the fix."""

_PASSED_ON = frozenset({"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"})
"""Start-up settings that PgBouncer sets again on whatever server connection a client gets."""

_STATEMENT_CACHES = ("statement_cache_size", "prepared_statement_cache_size")


def pooler_conflicts(settings: DatabaseSettings) -> Iterator[Conflict]:
    """What a profile behind PgBouncer asks for and cannot have."""
    if settings.pooler != "pgbouncer" or settings.url.backend != "postgresql":
        return
    yield from _lost_sessions(settings)
    for table, given in (("connect_args", settings.connect_args), ("query", settings.url.query)):
        for key in _STATEMENT_CACHES:
            if key in given and str(given[key]) != "0":
                message = "the statement is prepared on one server, and the next transaction runs on another"
                yield (table, key), message, f"{key} = 0"


def pooler_doubts(settings: DatabaseSettings) -> Iterator[Conflict]:
    """What only works if PgBouncer was told to look away: its `ignore_startup_parameters`."""
    given = settings.connect_args.get("server_settings")
    if settings.pooler == "pgbouncer" and isinstance(given, dict):
        for key in sorted(key for key in given if key.lower() not in _PASSED_ON):
            message = f"PgBouncer refuses the start-up setting {key!r}, or ignores it when told to"
            yield ("connect_args", "server_settings"), message, f"delete {key}; ALTER ROLE ... SET {key} on the server"


def _lost_sessions(settings: DatabaseSettings) -> Iterator[Conflict]:
    """What belongs to a session, which lasts for one transaction here."""
    if settings.statement_timeout is not None:
        role = shlex.quote(settings.url.username or "app")
        milliseconds = max(1, round(settings.statement_timeout * 1000))
        fix = f"delete it, and on the server: ALTER ROLE {role} SET statement_timeout = '{milliseconds}ms'"
        yield ("statement_timeout",), "PgBouncer in transaction mode refuses start-up settings", fix
    if settings.isolation_level == "AUTOCOMMIT":
        yield ("isolation_level",), NO_AUTOCOMMIT, "delete isolation_level"
    if settings.pool_reset_on_return == "discard":
        message = (
            "behind PgBouncer, DISCARD ALL would go to a server connection that is another client's by now;"
            " PgBouncer itself can do it: server_reset_query_always = 1"
        )
        yield ("pool_reset_on_return",), message, "delete pool_reset_on_return"


NO_AUTOCOMMIT = (
    "without a transaction, PgBouncer may send the two halves of a statement to two servers, where it fails or is"
    " somebody else's"
)
