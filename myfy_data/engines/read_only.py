"""Connections to which the server refuses writes, though their profile writes (contract C5.10)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine.characteristics import ConnectionCharacteristic

from myfy_data.engines.backend import READ_ONLY, adapted

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

    def get_characteristic(self, dialect: Any, dbapi_conn: Any) -> bool:  # noqa: ARG002 - SQLAlchemy's signature
        """Whether writes are refused."""
        return bool(adapted(dbapi_conn).driver_connection.read_only)

    def set_characteristic(self, dialect: Any, dbapi_conn: Any, value: Any) -> None:  # noqa: ARG002 - as above
        """Refuse writes from the next transaction on, or no more; sends nothing."""
        adapted(dbapi_conn).driver_connection.read_only = self._always or bool(value)

    def reset_characteristic(self, dialect: Any, dbapi_conn: Any) -> None:
        """Back to what the profile says."""
        self.set_characteristic(dialect, dbapi_conn, value=False)
