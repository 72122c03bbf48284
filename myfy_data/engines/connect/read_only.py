"""Connections to which the server refuses writes, though their profile writes (contract C5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.engine.characteristics import ConnectionCharacteristic
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.backend import READ_ONLY, adapted

READ_ONLY_OPTIONS: dict[str, Any] = {READ_ONLY: True}
"""For `engine.execution_options(...)`: the server refuses what its connections write, in AUTOCOMMIT as well."""


class ReadOnlyCharacteristic(ConnectionCharacteristic):
    """The execution option `READ_ONLY`, kept as `read_only` by the driver's connection until it goes back to the pool.

    Args:
        always: whether the profile itself is read-only.
    """

    transactional = True

    def __init__(self, *, always: bool) -> None:
        self._always = always

    def get_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> bool:  # noqa: ARG002 - SQLAlchemy's signature
        """Whether writes are refused."""
        return bool(adapted(dbapi_conn).driver_connection.read_only)

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: object) -> None:  # noqa: ARG002 - as above
        """Refuse writes from the next transaction on, or no more; sends nothing."""
        adapted(dbapi_conn).driver_connection.read_only = self._always or bool(value)

    def reset_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> None:
        """Back to what the profile says."""
        self.set_characteristic(dialect, dbapi_conn, value=False)


class ReadOnlyEngine(OptionEngine):
    """What `Engine.execution_options()` gives: with the option `READ_ONLY` each connection gets it as it is taken.

    SQLAlchemy's own way is a listener to `engine_connect`. An engine that has one joins its listeners anew for each
    connection, a hundred calls; and it hears nothing of a connection that takes the place of a dead one.

    Attributes:
        keeps_read_only: whether a connection stays so, and the next reader rather takes one that is so already.
    """

    keeps_read_only = True

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection of the pool."""
        value = self.get_execution_options().get(READ_ONLY)
        if value is None:
            return super().raw_connection()
        pool: Any = self.pool
        pool.prefers_read_only = self.keeps_read_only and bool(value)
        pooled: Any = super().raw_connection()
        try:
            dialect: Any = self.dialect
            characteristic = dialect.connection_characteristics[READ_ONLY]
            pooled._connection_record.finalize_callback.append(  # noqa: SLF001 - as SQLAlchemy does it
                partial(characteristic.reset_characteristic, dialect)
            )
            characteristic.set_characteristic(dialect, pooled.dbapi_connection, value)
        except BaseException:
            pooled.invalidate()
            raise
        return pooled  # type: ignore[no-any-return]  # Any for its private attribute


ReadOnlyEngine._option_cls = ReadOnlyEngine  # noqa: SLF001 - SQLAlchemy names the classes nowhere else


def set_at_checkout(engine: Engine) -> None:
    """Have no listener set `READ_ONLY` on the connections of engines that do it themselves."""
    if engine._option_cls is OptionEngine:  # noqa: SLF001 - as above
        engine._option_cls = ReadOnlyEngine  # noqa: SLF001 - as above
    dialect: Any = engine.dialect
    listen = dialect.set_engine_execution_options

    def set_engine_execution_options(target: Engine, options: Mapping[str, object]) -> None:
        itself = isinstance(target, ReadOnlyEngine)
        listen(target, {name: value for name, value in options.items() if not (itself and name == READ_ONLY)})

    dialect.set_engine_execution_options = set_engine_execution_options
