"""What an engine is made of: checked and put together without opening anything (contract C2, style habit 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL
from sqlalchemy.pool import QueuePool

from myfy_data.engines.backends import BACKENDS
from myfy_data.engines.engine_options import pool_class_faults
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import pool_size
from myfy_data.engines.sqlite.memory_pool import MemoryPool
from myfy_data.errors import Problem, config_error
from myfy_data.origins import format_key
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.fault import CodeWording, Fault, fix_of
from myfy_data.settings.validation.rules import profile_faults


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
    problems = [
        Problem("", f"profiles.{name}.{format_key(fault.path)}", fault.message, fix=_fix(fault, settings))
        for fault in (*profile_faults(settings, url), *pool_class_faults(settings))
    ]
    if problems:
        raise config_error(problems)
    driver = BACKENDS[url.backend].build_arguments(settings)
    return EngineOptions(_sqlalchemy_url(url), _engine_arguments(settings), driver)


def _fix(fault: Fault, settings: DatabaseSettings) -> str:
    return fix_of(fault, CodeWording(settings, fault.path))


def _sqlalchemy_url(url: ConnectionURL) -> URL:
    # The password is given to each new connection; the query is taken apart by us. Nothing of either stays here.
    return URL.create(url.driver, username=url.username, host=url.host, port=url.port, database=url.database)


def _engine_arguments(settings: DatabaseSettings) -> dict[str, object]:
    reset = settings.pool_reset_on_return
    arguments: dict[str, Any] = {
        "echo": settings.echo,
        "echo_pool": settings.echo_pool,
        "hide_parameters": settings.hide_parameters,
        "pool_reset_on_return": None if reset == "none" or settings.discards_state else reset,
        **_pool_arguments(settings),
    }
    execution = _execution_options(settings)
    if execution:
        arguments["execution_options"] = execution
    if settings.isolation_level is not None and BACKENDS[settings.url.backend].has_isolation_levels:
        arguments["isolation_level"] = settings.isolation_level
    return arguments | settings.engine_options


def _pool_arguments(settings: DatabaseSettings) -> dict[str, object]:
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


def _execution_options(settings: DatabaseSettings) -> dict[str, object]:
    options = dict(settings.execution_options)
    if settings.pooler == "pgbouncer" and settings.read_only:
        # PgBouncer refuses the start-up setting that does it without a pooler.
        options.setdefault("postgresql_readonly", True)
    return options
