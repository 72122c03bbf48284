"""Connections to which the server refuses writes, though their profile writes (contract C5.10)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine.characteristics import ConnectionCharacteristic

from myfy_data.engines.backend import READ_ONLY, adapted


def read_only_execution_options(backend: str, isolation_level: str | None = None) -> dict[str, Any]:
    """Execution options for `engine.execution_options(...)` that make the server refuse what its connections write.

    Args:
        backend: `sqlite`, `postgresql` or `mysql`; `settings.url.backend`.
        isolation_level: the profile's. PostgreSQL is read-only by transaction, so AUTOCOMMIT gives way.
    """
    options: dict[str, Any] = {READ_ONLY: True}
    if backend == "postgresql" and isolation_level == "AUTOCOMMIT":
        options["isolation_level"] = "READ COMMITTED"
    return options


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
