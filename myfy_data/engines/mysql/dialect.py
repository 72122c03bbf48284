"""What SQLAlchemy's dialect for MySQL does for an engine of ours; methods cost nothing where they are not called."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.characteristics import IsolationLevelCharacteristic
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.backend import MAY_END_TRANSACTION, READ_ONLY, adapted
from myfy_data.engines.connect.read_only import ReadOnlyCharacteristic
from myfy_data.engines.connect.transaction_end import MayEndCharacteristic
from myfy_data.settings.database_settings import DatabaseSettings


def adapt_dialect(engine: Engine, settings: DatabaseSettings) -> None:
    """Let an engine's connections hear where a unit of work begins, and keep the isolation level that they have."""
    dialect: Any = engine.dialect
    reset = dialect.reset_isolation_level

    def reset_isolation_level(dbapi_connection: DBAPIConnection) -> None:
        driver = adapted(dbapi_connection).driver_connection
        if driver.tracks:
            restore_level(dialect, dbapi_connection, settings)
        else:
            reset(dbapi_connection)

    dialect.do_begin = _begin
    dialect.reset_isolation_level = reset_isolation_level
    dialect.connection_characteristics = dialect.connection_characteristics.union(
        {
            "isolation_level": LevelCharacteristic(),
            MAY_END_TRANSACTION: MayEndCharacteristic(),
            READ_ONLY: ReadOnlyCharacteristic(always=settings.read_only),
        }
    )


def _begin(pooled: PoolProxiedConnection) -> None:
    driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
    driver.keep_level()
    driver.renew()


class LevelCharacteristic(IsolationLevelCharacteristic):
    """The execution option `isolation_level`, which lasts until the connection goes back to the pool."""

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: object) -> None:
        """Set it; what it was before is kept."""
        adapted(dbapi_conn).driver_connection.keep_level()
        super().set_characteristic(dialect, dbapi_conn, value)


def restore_level(dialect: Any, dbapi_connection: Any, settings: DatabaseSettings) -> None:
    """Back to the isolation level that a connection's first user found, whether profile, server or listener chose it.

    SQLAlchemy would take the profile's, or the one of the first connection that it ever opened.
    """
    driver = adapted(dbapi_connection).driver_connection
    own = driver.first_level or dialect.default_isolation_level
    if (driver.transaction.isolation or dialect.default_isolation_level) != own:
        dialect.set_isolation_level(dbapi_connection, own)
    dbapi_connection.autocommit(settings.isolation_level == "AUTOCOMMIT")  # sends nothing when that is so
