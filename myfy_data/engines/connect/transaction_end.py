"""Connections whose transactions may end without us, as migrations end theirs (contract C16.4)."""

from __future__ import annotations

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.characteristics import ConnectionCharacteristic
from sqlalchemy.engine.interfaces import DBAPIConnection

from myfy_data.engines.connect.backend import adapted


class MayEndCharacteristic(ConnectionCharacteristic):
    """The execution option `MAY_END_TRANSACTION`, kept by the driver's connection until it goes back to the pool."""

    transactional = True

    def get_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> bool:  # noqa: ARG002 - SQLAlchemy's signature
        """Whether a statement may end the transaction."""
        return bool(adapted(dbapi_conn).driver_connection.may_end_transaction)

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: object) -> None:  # noqa: ARG002 - as above
        """Allow it, or no more; sends nothing."""
        adapted(dbapi_conn).driver_connection.may_end_transaction = bool(value)

    def reset_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> None:
        """Allow it no more."""
        self.set_characteristic(dialect, dbapi_conn, value=False)
