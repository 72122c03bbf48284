"""How an engine gets a connection: what `do_connect` listeners want of it, then the backend's own way (ADR 24).

SQLAlchemy calls those listeners for the connections that it makes itself. Ours are made by the backend, within its
bounds, so the listeners are called here: with the arguments of the driver, password excepted, which they may change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.util import greenlet_spawn

from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.connect.listened_login import Login
from myfy_data.errors import ConfigError, Problem
from myfy_data.redaction import Secret

_FIX = 'change the parameters: parameters["password"] = token'

Listener = Callable[..., DBAPIConnection | None]
"""A listener for `do_connect`: dialect, pool's entry, positional and named arguments."""


class Connector:
    """Opens the connections of one engine, for its pool or beside it.

    Args:
        backend: the database behind the engine.
    """

    def __init__(self, backend: AnyBackend) -> None:
        self._backend = backend
        self._engine: Engine | None = None

    def attach(self, engine: Engine) -> None:
        """Tell whose connections these are: SQLAlchemy wants to know how to connect before there is an engine."""
        self._engine = engine

    @property
    def _dialect(self) -> Dialect:
        assert self._engine is not None  # noqa: S101 - attached before anything connects
        return self._engine.dialect

    def open(self, connection_record: ConnectionPoolEntry | None = None) -> object:
        """Open a connection in SQLAlchemy's adapter; a pool calls this with its record.

        The argument is called as SQLAlchemy's own: so its pools know it from a function that wants none.

        Raises:
            ConfigError: a listener wants what would undo a promise.
            DatabaseConnectionError: as `Backend.connect`.
        """
        recorder = self._backend.recorder
        if recorder is None or connection_record is None:
            return self._open(connection_record)
        started = time.monotonic()
        connection = self._open(connection_record)
        recorder.note_connect(connection_record, time.monotonic() - started)
        return connection

    def _open(self, connection_record: ConnectionPoolEntry | None) -> DBAPIConnection:
        listeners = self._dialect.dispatch.do_connect
        login = self._ask(listeners, connection_record) if listeners else None
        # What create_async_engine does for async_creator; only this way are the adapter's own arguments heard.
        opening = partial(self._backend.connect, login)
        opened: DBAPIConnection = self._dialect.loaded_dbapi.connect(async_creator_fn=opening, **self._backend.adapter)
        return opened

    async def open_detached(self) -> object:
        """Open a driver connection that belongs to no pool; the caller closes it."""
        pool = NullPool(self._open_beside, dialect=self._dialect)
        connection = await greenlet_spawn(pool.connect)
        driver = connection.driver_connection
        connection.detach()
        return driver

    def _open_beside(self, connection_record: ConnectionPoolEntry | None = None) -> DBAPIConnection:
        return self._open(connection_record)

    def _ask(self, listeners: Iterable[Listener], record: ConnectionPoolEntry | None) -> Login:
        offered = {**self._backend.arguments, **self._backend.adapter}
        parameters = {key: dict(value) if isinstance(value, dict) else value for key, value in offered.items()}
        positional: list[Any] = []
        made = None
        try:
            for listener in listeners:
                made = listener(self._dialect, record, positional, parameters)
                if made is not None:
                    break
        finally:  # no frame of ours may hold it, whatever happens
            secret = _take_secret(parameters)
        profile = self._backend.profile
        if made is not None:
            _discard(made)
            raise _refused(profile, "returned a connection of its own, which would stand outside of every deadline")
        if positional or isinstance(secret, _NoText):
            what = "passed positional arguments" if positional else "set a password that is no text"
            raise _refused(profile, what)
        self._backend.is_handed_passwords = self._backend.is_handed_passwords or secret is not None
        return Login(_merged(self._backend.arguments, self._changed(offered, parameters)), secret)

    def _changed(self, offered: Mapping[str, object], parameters: Mapping[str, object]) -> dict[str, object]:
        """What listeners changed.

        Raises:
            ConfigError: something of it is not theirs to change.
        """
        profile = self._backend.profile
        for key in offered.keys() - parameters.keys():
            raise _refused(profile, f"took {key!r} out", f"leave {key!r} as it is")
        changed = {key: value for key, value in parameters.items() if key not in offered or value != offered[key]}
        decided = {
            name
            for key, value in changed.items()
            if isinstance(mine := offered.get(key), dict) and isinstance(value, dict)
            for name in mine.keys() & value.keys()
            if mine[name] != value[name] and name not in self._backend.unsaid
        }
        for key in (changed.keys() - self._backend.changeable) | decided:
            raise _refused(profile, f"set {key!r}, which is not its to set", f"leave {key!r} as it is")
        return changed


class _NoText:
    """In place of a password that is none."""


def _take_secret(parameters: dict[str, Any]) -> Secret | _NoText | None:
    if "password" not in parameters:
        return None
    if isinstance(parameters["password"], Secret):
        taken: Secret = parameters.pop("password")
        return taken
    if isinstance(parameters["password"], str):
        return Secret(parameters.pop("password"))
    del parameters["password"]
    return _NoText()


def _merged(arguments: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    """The profile's arguments with a listener's; tables are merged, so that no setting of the profile is lost."""
    merged = dict(arguments)
    for key, value in changed.items():
        mine = arguments.get(key)
        merged[key] = {**mine, **value} if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def _discard(connection: DBAPIConnection) -> None:
    with suppress(Exception):  # whatever it is, it is refused
        getattr(connection, "terminate", connection.close)()


def _refused(profile: str, what: str, fix: str = _FIX) -> ConfigError:
    return ConfigError([Problem("", f"profiles.{profile}", f"a `do_connect` listener {what}", fix=fix)])
