"""Drivers enter here, with the line that installs them (style habit 12), and after a look at what is used of them."""

from __future__ import annotations

from types import ModuleType

from myfy_data.engines.connect.driver_contract import DRIVERS
from myfy_data.engines.connect.sqlalchemy_contract import SQLALCHEMY, SQLALCHEMY_DIALECTS
from myfy_data.errors import MissingDriverError
from myfy_data.package_contract import import_package, verify

_INSTALL = {
    "sqlite": "pip install aiosqlite",
    "postgresql": "pip install 'myfy-data[postgresql]'",
    "mysql": "pip install 'myfy-data[mysql]'",
}


def load_driver(profile: str, backend: str, driver: str) -> ModuleType:
    """Import the driver of a backend, and make sure that it and SQLAlchemy have what is used of them.

    Args:
        profile: the profile that needs it.
        backend: `sqlite`, `postgresql` or `mysql`.
        driver: SQLAlchemy's name for it, such as `postgresql+asyncpg`.

    Raises:
        MissingDriverError: it is not installed; also an ImportError.
        UnsupportedPackageError: it cannot be imported, or it or SQLAlchemy is a version that does not work.
    """
    contract = DRIVERS[backend]
    missing = MissingDriverError(profile, driver, package=contract.package, install=_INSTALL[backend])
    module = import_package(contract, missing, profile)
    verify(SQLALCHEMY, profile)
    if backend in SQLALCHEMY_DIALECTS:
        verify(SQLALCHEMY_DIALECTS[backend], profile)
    return module
