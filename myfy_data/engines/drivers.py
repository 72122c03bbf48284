"""Drivers enter here, with the line that installs them (style habit 12)."""

from __future__ import annotations

import importlib
from types import ModuleType

from myfy_data.errors import MissingDriverError

_DRIVERS = {
    "sqlite": ("aiosqlite", "pip install aiosqlite"),
    "postgresql": ("asyncpg", "pip install 'myfy-data[postgresql]'"),
    "mysql": ("aiomysql", "pip install 'myfy-data[mysql]'"),
}


def load_driver(profile: str, backend: str, driver: str) -> ModuleType:
    """Import the driver of a backend.

    Args:
        profile: the profile that needs it.
        backend: `sqlite`, `postgresql` or `mysql`.
        driver: SQLAlchemy's name for it, such as `postgresql+asyncpg`.

    Raises:
        MissingDriverError: it is not installed; also an ImportError.
    """
    package, install = _DRIVERS[backend]
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingDriverError(profile, driver, package=package, install=install) from error
