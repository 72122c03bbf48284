"""What cannot work together on each database (contract C2, C9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from myfy_data.origins import KeyPath
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.fault import Fault, Repair
from myfy_data.settings.validation.pgbouncer import STATEMENT_CACHES, pooler_faults

LEVELS: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset({"AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}),
    "mysql": frozenset({"AUTOCOMMIT", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}),
    "sqlite": frozenset({"AUTOCOMMIT", "SERIALIZABLE"}),
}
"""The isolation levels that each database has; `AUTOCOMMIT` is SQLAlchemy's word for none."""

_CACHES = (*STATEMENT_CACHES, "prepared_statement_name_func")


def database_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What one database cannot do of what a profile asks for."""
    yield from _level_faults(settings, url.backend)
    yield from _RULES[url.backend](settings, url)


def _level_faults(settings: ProfileSettings, backend: str) -> Iterator[Fault]:
    level, option = settings.isolation_level, settings.execution_options.get("isolation_level")
    if level is not None and level not in LEVELS[backend]:
        yield _no_level(("isolation_level",), level, backend)
    if option is None or (isinstance(option, str) and option in LEVELS[backend]):
        return
    path: KeyPath = ("execution_options", "isolation_level")
    if isinstance(option, str) and option in LEVELS["mysql"]:
        yield _no_level(path, option, backend)
    else:
        message = f"expected one of {', '.join(sorted(LEVELS[backend]))}"
        yield Fault(path, message, Repair(write=((path, "SERIALIZABLE"),)))


def _no_level(path: KeyPath, level: str, backend: str) -> Fault:
    if backend == "sqlite":
        message = f"SQLite has no {level}; every transaction is SERIALIZABLE"
        return Fault(path, message, Repair(delete=(path,)))
    # The next higher level: PostgreSQL itself takes one for the other.
    return Fault(path, f"PostgreSQL has no {level}", Repair(write=((path, "READ COMMITTED"),)))


def part_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """Parts of an address that the database has no use for."""
    if url.backend != "sqlite":
        return
    for key in ("host", "port", "username", "credentials"):
        if getattr(settings, key) is not None:
            yield Fault((key,), "means nothing to SQLite, which is a file", Repair(delete=((key,),)))


def _sqlite(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    yield from _no_pooler(settings)
    reset = settings.pool_reset_on_return
    if reset in ("none", "discard"):
        why = "'none' would never give the turn to write back"
        if reset == "discard":
            why = "SQLite has no command that makes a connection forget its state"
        yield Fault(("pool_reset_on_return",), why, Repair(delete=(("pool_reset_on_return",),)))
    if settings.read_only and url.is_memory:
        message = "an in-memory database that nobody may write stays empty"
        # Without `read_only` it would be written to, which was not asked for.
        yield Fault(("read_only",), message, Repair(write=((("database_url",), "sqlite+aiosqlite:///./app.db"),)))


def _no_pooler(settings: ProfileSettings) -> Iterator[Fault]:
    if settings.pooler != "none":
        message = f"{settings.pooler!r} stands before PostgreSQL only"
        yield Fault(("pooler",), message, Repair(write=((("pooler",), "none"),)))


def _mysql(settings: ProfileSettings, _: ConnectionURL) -> Iterator[Fault]:
    yield from _no_pooler(settings)


def _postgresql(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    if settings.pooler != "none":
        yield from pooler_faults(settings, url)
    if settings.pool_reset_on_return == "discard":
        yield from _cached_faults(settings, url)


def _cached_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    message = "DISCARD ALL drops every prepared statement, so none is kept"
    part = settings.query or {}
    for name in _CACHES:
        if name in settings.connect_args:
            path: KeyPath = ("connect_args", name)
            yield Fault(path, message, Repair(delete=(path,)))
        if name in part:
            yield Fault(("query", name), message, Repair(delete=(("query", name),)))
        elif name in url.query:
            yield Fault(("database_url",), f"{name}: {message}", Repair(from_url=(name,)))


_RULES: Mapping[str, Callable[[ProfileSettings, ConnectionURL], Iterator[Fault]]] = {
    "sqlite": _sqlite,
    "mysql": _mysql,
    "postgresql": _postgresql,
}
