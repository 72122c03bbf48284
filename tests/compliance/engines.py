"""What SQLAlchemy's tests get in place of `create_engine`: an engine of ours, wherever a profile can describe it.

Runs inside the process of SQLAlchemy's tests (see `plugin`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy
import sqlalchemy.ext.asyncio
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool
from sqlalchemy.testing.engines import ReconnectFixture

from myfy_data import DatabaseSettings
from myfy_data.engines.factory import OpenEngine, open_engine_handle
from myfy_data.engines.sqlite.backend import SQLite

PROFILE = "compliance"
DRIVERS = {"sqlite+aiosqlite", "postgresql+asyncpg", "mysql+aiomysql", "mariadb+aiomysql"}

NOT_A_PROFILE = ("module", "creator", "async_creator", "pool", "strategy", "plugins", "_initialize", "pool_events")
"""Arguments that bring a driver, a connection or a pool of the test's own: no profile can say that, by design."""

AS_SQLALCHEMY = {"hide_parameters": False, "sqlite": {"foreign_keys": False}}
"""What a profile sets otherwise than SQLAlchemy when it is silent, and tests of SQLAlchemy take for granted."""

TURN_TIMEOUT = 3.0
"""Seconds that a session waits for a connection or for the writers' turn; long enough for any that come."""

KEYS = frozenset(DatabaseSettings.model_fields)


class Engines:
    """Makes the engines of one run of tests, and counts them.

    Args:
        ours: whether they are of ours where they can be.

    Attributes:
        made: how many were made of each sort.
    """

    def __init__(self, *, ours: bool) -> None:
        self.made: Counter[str] = Counter()
        self._ours = ours
        self._create: Callable[..., Any] = sqlalchemy.create_engine
        self._create_async: Callable[..., AsyncEngine] = sqlalchemy.ext.asyncio.create_async_engine

    def install(self) -> None:
        """Take the place of SQLAlchemy's two functions; modules that imported them before, as myfy_data, keep them."""
        sqlalchemy.create_engine = self.create
        sqlalchemy.ext.asyncio.create_async_engine = self.create_async

    def create(self, url: str | URL, **arguments: Any) -> Any:
        """As `sqlalchemy.create_engine`: SQLAlchemy's tests use asynchronous drivers through it, inside greenlets."""
        engine = self._open(url, arguments)
        return self._create(url, **arguments) if engine is None else engine.sync_engine

    def create_async(self, url: str | URL, **arguments: Any) -> AsyncEngine:
        """As `sqlalchemy.ext.asyncio.create_async_engine`."""
        engine = self._open(url, arguments)
        return self._create_async(url, **arguments) if engine is None else engine

    def _open(self, url: str | URL, arguments: Mapping[str, Any]) -> AsyncEngine | None:
        address = make_url(url)
        if not self._ours or not is_profile(address, arguments):
            self.made["plain"] += 1
            use_plain_driver(address, arguments)
            return None
        self.made["ours"] += 1
        return started_anew(open_engine_handle(PROFILE, settings_of(address, arguments))).engine


def use_plain_driver(url: URL, arguments: Mapping[str, Any]) -> None:
    """Tests that simulate a lost server wrap the driver of the main engine: for a plain engine, a plain one."""
    wrapper = arguments.get("module")
    if isinstance(wrapper, ReconnectFixture):
        wrapper.dbapi = url.get_dialect().import_dbapi()


def started_anew(opened: OpenEngine) -> OpenEngine:
    """The same, for tests that delete SQLite's file as soon as its engine is disposed, and then go on with it.

    A profile refuses to make an empty file in the place of one that was deleted, until its engine is disposed; without
    a pool of ours it hears nothing of that.
    """
    backend, engine = opened.backend, opened.engine.sync_engine
    if isinstance(backend, SQLite) and isinstance(engine.pool, NullPool):
        dispose = engine.dispose

        def forget(close: bool = True) -> None:
            dispose(close)
            backend.begin_anew()

        engine.dispose = forget  # type: ignore[method-assign]  # a listener would be an event that tests count
    return opened


def is_profile(url: URL, arguments: Mapping[str, Any]) -> bool:
    """Whether a profile can describe this engine."""
    if not issubclass(arguments.get("poolclass", NullPool), AsyncAdaptedQueuePool | NullPool):
        return False
    return url.drivername in DRIVERS and arguments.keys().isdisjoint(NOT_A_PROFILE)


def settings_of(url: URL, arguments: Mapping[str, Any]) -> DatabaseSettings:
    """The profile that says what these arguments of `create_engine` say."""
    named = {key: value for key, value in arguments.items() if key in KEYS}
    other = {key: value for key, value in arguments.items() if key not in KEYS}
    if other.get("poolclass") is not NullPool:  # a queue is what we have
        other.pop("poolclass", None)
    values: dict[str, Any] = {"pool_timeout": TURN_TIMEOUT, **AS_SQLALCHEMY, **named, "engine_options": other}
    return DatabaseSettings(database_url=url.render_as_string(hide_password=False), **values)
