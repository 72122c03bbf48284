"""The settings of one database, at the place where upstream's package has them."""

from __future__ import annotations

from myfy_data import DatabaseSettings

SUPPORTED_ASYNC_DRIVERS = ["sqlite+aiosqlite", "postgresql+asyncpg", "mysql+aiomysql"]
"""What a URL begins with when it names its driver; a URL that names none gets the one of its database."""

__all__ = ["SUPPORTED_ASYNC_DRIVERS", "DatabaseSettings"]
