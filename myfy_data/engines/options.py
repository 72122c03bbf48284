"""What an engine is made of: checked and put together without opening anything (contract C2, style habit 8)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL
from sqlalchemy.pool import QueuePool

from myfy_data.engines import mysql, postgresql, sqlite
from myfy_data.engines.engine_options import engine_option_problems
from myfy_data.engines.pool import BoundedPool
from myfy_data.engines.reset import discards, reset_problems, unprepared_arguments
from myfy_data.engines.sqlite_memory import MemoryPool
from myfy_data.engines.status import pool_size
from myfy_data.engines.tls import tls_problems
from myfy_data.errors import Problem, config_error
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.suggestions import nearest

_QUERY_KEYS = {
    "sslrootcert": "tls_ca",
    "sslcert": "tls_cert",
    "sslkey": "tls_key",
    "ssl_ca": "tls_ca",
    "ssl_cert": "tls_cert",
    "ssl_key": "tls_key",
    "timeout": "connect_timeout",
    "read_timeout": "command_timeout",
    "write_timeout": "command_timeout",
    "user": "username",
    "db": "database",
    "program_name": "application_name",
}
"""What drivers call the things that have a key of their own in a profile."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one database adds to the checks and to the driver's arguments."""

    problems: Callable[[DatabaseSettings], Iterator[tuple[str, str, str]]]
    arguments: Callable[[DatabaseSettings], dict[str, Any]]
    options: frozenset[str]
    numbers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()


RULES: Mapping[str, Rules] = {
    "sqlite": Rules(sqlite.sqlite_problems, sqlite.sqlite_arguments, sqlite.OPTIONS, numbers=sqlite.OPTIONS),
    "postgresql": Rules(
        postgresql.postgresql_problems,
        postgresql.postgresql_arguments,
        postgresql.OPTIONS,
        postgresql.NUMBERS,
        frozenset({"host"}),
    ),
    "mysql": Rules(mysql.mysql_problems, mysql.mysql_arguments, mysql.OPTIONS),
}


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Everything an engine is opened with.

    Attributes:
        url: the address for SQLAlchemy; without password and query.
        engine: arguments of `create_async_engine`.
        driver: arguments of the driver's `connect`, password and TLS excepted.
    """

    url: URL
    engine: Mapping[str, Any]
    driver: Mapping[str, Any]


def build_engine_options(name: str, settings: DatabaseSettings) -> EngineOptions:
    """What the engine of a profile is opened with. Pure: reads no file, opens nothing, needs no driver.

    Raises:
        ConfigError: settings that cannot work together, all of them at once.
    """
    url = settings.url
    rules = RULES[url.backend]
    problems = [
        Problem("", f"profiles.{name}.{key}", message, fix=fix)
        for key, message, fix in (
            *tls_problems(settings),
            *rules.problems(settings),
            *reset_problems(settings),
            *engine_option_problems(settings),
            *_driver_option_problems(settings, rules),
        )
    ]
    if problems:
        raise config_error(problems)
    return EngineOptions(_sqlalchemy_url(url), _engine_arguments(settings), _driver_arguments(settings, rules))


def _driver_arguments(settings: DatabaseSettings, rules: Rules) -> dict[str, Any]:
    return rules.arguments(settings) | unprepared_arguments(settings)


def _sqlalchemy_url(url: ConnectionURL) -> URL:
    # The password is given to each new connection; the query is taken apart by us. Nothing of either stays here.
    return URL.create(url.driver, username=url.username, host=url.host, port=url.port, database=url.database)


def _engine_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    reset = settings.pool_reset_on_return
    arguments: dict[str, Any] = {
        "echo": settings.echo,
        "echo_pool": settings.echo_pool,
        "hide_parameters": settings.hide_parameters,
        "pool_reset_on_return": None if reset == "none" or discards(settings) else reset,
        **_pool_arguments(settings),
    }
    execution = _execution_options(settings)
    if execution:
        arguments["execution_options"] = execution
    # SQLite has one level, and setting it would bring legacy transactions back.
    if settings.isolation_level is not None and settings.url.backend != "sqlite":
        arguments["isolation_level"] = settings.isolation_level
    return arguments | settings.engine_options


def _pool_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    pool_class = settings.engine_options.get("poolclass", BoundedPool)
    if not issubclass(pool_class, QueuePool):
        return {}
    if settings.url.is_memory:
        # One connection is the database: sessions take turns, and it never grows old.
        turns = {"pool_size": 1, "max_overflow": 0, "pool_recycle": -1}
        return {"poolclass": MemoryPool, "pool_timeout": settings.pool_timeout, **turns}
    return {
        "poolclass": pool_class,
        "pool_size": pool_size(settings),
        "max_overflow": settings.max_overflow,
        "pool_timeout": settings.pool_timeout,
        "pool_recycle": settings.pool_recycle,
    }


def _execution_options(settings: DatabaseSettings) -> dict[str, Any]:
    options = dict(settings.execution_options)
    if settings.pooler == "pgbouncer" and settings.read_only:
        # PgBouncer refuses the start-up setting that does it elsewhere.
        options.setdefault("postgresql_readonly", True)
    return options


def _driver_option_problems(settings: DatabaseSettings, rules: Rules) -> Iterator[tuple[str, str, str]]:
    query = settings.url.query
    for table, keys, allowed in (
        ("query", query, rules.options | rules.query),
        ("connect_args", settings.connect_args, rules.options),
    ):
        for key in keys:
            if key not in allowed:
                yield f"{table}.{key}", *_unknown_option(key, table, settings.url.driver, allowed)
    for table, given in (("query", query), ("connect_args", settings.connect_args)):
        for key in rules.numbers & given.keys():
            if not str(given[key]).isdecimal():
                yield f"{table}.{key}", "expected a whole number", f"{key} = 100"
    context = settings.connect_args.get("ssl")
    if context is not None and (not isinstance(context, ssl.SSLContext) or settings.tls is not None):
        yield "connect_args.ssl", "TLS has keys of its own in the profile", 'tls = "verify-full"'


def _unknown_option(key: str, table: str, driver: str, allowed: frozenset[str]) -> tuple[str, str]:
    own = _QUERY_KEYS.get(key, key)
    if own in DatabaseSettings.model_fields:
        return f"has a key of its own in the profile: {own}", f"move it out of {table}, as {own}"
    near = nearest(key, allowed)
    hint = f". Did you mean {near!r}?" if near else ""
    return f"is no option that {driver} may be given{hint}", f"write {near}" if near else f"delete {key}"
