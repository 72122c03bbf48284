"""How transactions begin on SQLite: by the dialect's own method, because a listener to an engine costs each connection.

SQLAlchemy joins an engine's listeners anew for every `Connection` that it makes; `do_begin` and the characteristics of
a connection are public methods of a dialect, looked up without that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import AdaptedConnection, DBAPIConnection
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.backend import MAY_END_TRANSACTION, READ_ONLY, adapted
from myfy_data.engines.connect.read_only import ReadOnlyCharacteristic
from myfy_data.engines.connect.transaction_end import MayEndCharacteristic
from myfy_data.engines.sqlite.engine import wait_without_connection
from myfy_data.settings.database_settings import DatabaseSettings

_AUTOCOMMIT = "AUTOCOMMIT"
_READ_UNCOMMITTED = "READ UNCOMMITTED"


class TransactionEvents:
    """Begins the transactions of one engine.

    Args:
        settings: the profile's settings.

    Attributes:
        read_only: whether all transactions are refused writes.
        autocommit: whether transactions are begun only where a connection asks for them.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.read_only: bool = settings.read_only or bool(settings.execution_options.get(READ_ONLY))
        self.autocommit: bool = settings.isolation_level == _AUTOCOMMIT

    def attach_events(self, engine: Engine) -> None:
        """Take the dialect's place where it would leave BEGIN to the driver."""
        dialect: Any = engine.dialect
        dialect.connection_characteristics = dialect.connection_characteristics.union(
            {
                READ_ONLY: ReadOnlyCharacteristic(always=self.read_only),
                MAY_END_TRANSACTION: MayEndCharacteristic(),
            }
        )
        dialect.set_isolation_level = _set_level
        dialect.get_isolation_level = partial(_get_level, dialect.get_isolation_level)
        dialect.detect_autocommit_setting = _is_in_autocommit
        dialect.do_begin = self._begin
        dialect.do_commit = partial(_commit, dialect.do_commit)
        dialect.do_rollback = partial(_roll_back, dialect.do_rollback)
        wait_without_connection(engine)
        event.listen(engine, "handle_error", _throw_away_abandoned)  # of the dialect: it costs no connection

    def _begin(self, pooled: PoolProxiedConnection) -> None:
        driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
        driver.forget_transaction()
        if driver.autocommit:
            return
        if driver.read_only:
            driver.begin_reading()
        else:
            driver.begin_writing()


def _set_level(dbapi_connection: DBAPIConnection, level: str) -> None:
    """Take the dialect's place, which would tell sqlite3 to begin by itself; in AUTOCOMMIT no transaction is begun."""
    driver: Any = adapted(dbapi_connection).driver_connection
    driver.autocommit = level == _AUTOCOMMIT
    if driver.reads_uncommitted is not (level == _READ_UNCOMMITTED):
        adapted(dbapi_connection).run_async(lambda _: driver.read_uncommitted(level == _READ_UNCOMMITTED))


def _get_level(get_isolation_level: Callable[[object], str], dbapi_connection: DBAPIConnection) -> str:
    driver: Any = adapted(dbapi_connection).driver_connection
    return _AUTOCOMMIT if driver.autocommit else get_isolation_level(dbapi_connection)


def _is_in_autocommit(connection: AdaptedConnection | PoolProxiedConnection) -> bool:
    """What SQLAlchemy asks, of its adapter or of the pool's proxy, before it leaves ROLLBACK out.

    sqlite3 is in autocommit always: we begin the transactions.
    """
    driver: Any = connection.driver_connection
    return bool(driver.autocommit) and not driver.in_transaction


def _commit(do_commit: Callable[[object], None], pooled: PoolProxiedConnection) -> None:
    driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
    driver.check_open()
    do_commit(pooled)
    driver.forget_transaction()


def _roll_back(do_rollback: Callable[[object], None], pooled: PoolProxiedConnection) -> None:
    do_rollback(pooled)
    driver: Any = pooled.dbapi_connection.driver_connection  # type: ignore[union-attr]  # it is in use
    driver.forget_transaction()


def _throw_away_abandoned(context: ExceptionContext) -> None:
    """Let SQLAlchemy throw a connection away whose thread was abandoned, whatever the error says of it."""
    connection = context.connection
    if connection is None or connection.closed or connection.invalidated:
        return
    driver: Any = connection.connection.driver_connection
    if driver.is_abandoned:
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False
