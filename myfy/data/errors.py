"""The exceptions that upstream's package has in this place."""

from __future__ import annotations

from myfy_data.errors import (
    AutoCreateTablesProductionError,
    DatabaseConnectionError,
    DataModuleError,
    DataModuleNotConfiguredError,
    InvalidDatabaseURLError,
)

__all__ = [
    "AutoCreateTablesProductionError",
    "DataModuleError",
    "DataModuleNotConfiguredError",
    "DatabaseConnectionError",
    "InvalidDatabaseURLError",
]
