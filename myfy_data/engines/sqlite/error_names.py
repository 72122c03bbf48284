"""SQLite's result codes by what they mean, each told once; the standard library's errors bear them by name."""

from __future__ import annotations

BUSY_SNAPSHOT, BUSY_SNAPSHOT_CODE = "SQLITE_BUSY_SNAPSHOT", 517
"""The database has changed since the transaction read."""

_BUSY = "SQLITE_BUSY"
_READ_ONLY = "SQLITE_READONLY"


def is_busy(error: BaseException) -> bool:
    """Whether another connection had the lock that was needed, or has written since the transaction read."""
    return _name(error).startswith(_BUSY)


def is_read_only(error: BaseException) -> bool:
    """Whether a write was refused, by the connection or by the file."""
    return _name(error).startswith(_READ_ONLY)


def is_query_only(error: BaseException) -> bool:
    """Whether a write was refused by the connection alone, which is to read only."""
    return _name(error) == _READ_ONLY


def _name(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
