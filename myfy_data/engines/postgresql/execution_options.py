"""PostgreSQL's execution options: what a session asks of its connection, until it goes back to the pool."""

from __future__ import annotations

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.characteristics import ConnectionCharacteristic
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.util import await_only


class SessionReadOnly(ConnectionCharacteristic):
    """The server refuses writes: a state of the connection, for writes of every kind (contract C5.10).

    Args:
        always: whether the profile itself is read-only.
        by_session: whether the state is the server connection's own. Behind PgBouncer that is another client's a
            moment later, and each transaction asks for it.
    """

    transactional = True

    def __init__(self, *, always: bool, by_session: bool) -> None:
        self._always = always
        self._by_session = by_session

    def get_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> bool:  # noqa: ARG002 - SQLAlchemy's signature
        """Whether writes are refused."""
        return bool(dbapi_conn.gate.wants_read_only if self._by_session else dbapi_conn.readonly)

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: object) -> None:  # noqa: ARG002 - as above
        """Refuse writes from the next message on, or no more.

        Sends nothing, unless a listener has begun a transaction already: that one may write until it is told.
        """
        wanted = self._always or bool(value)
        dbapi_conn.gate.reader = dbapi_conn.profile if wanted else ""
        if not self._by_session:
            dbapi_conn.readonly = wanted
            return
        dbapi_conn.gate.wants_read_only = wanted
        if wanted and dbapi_conn.driver_connection.is_in_transaction() and not self._always:
            await_only(dbapi_conn.driver_connection.execute("SET TRANSACTION READ ONLY"))

    def reset_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> None:
        """Back to what the profile says."""
        self.set_characteristic(dialect, dbapi_conn, value=False)


class MayEndTransaction(ConnectionCharacteristic):
    """Statements may end the transaction, and what follows them is the user's affair (contract C16.4).

    Args:
        always: whether the profile itself allows it.
    """

    transactional = True

    def __init__(self, *, always: bool) -> None:
        self._always = always

    def get_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> bool:  # noqa: ARG002 - SQLAlchemy's signature
        """Whether they may."""
        return bool(dbapi_conn.may_end_transaction)

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: object) -> None:  # noqa: ARG002 - as above
        """Allow it from the next transaction on, or no more."""
        dbapi_conn.may_end_transaction = self._always or bool(value)

    def reset_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> None:
        """Back to what the profile says."""
        self.set_characteristic(dialect, dbapi_conn, value=False)
