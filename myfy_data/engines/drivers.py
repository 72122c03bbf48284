"""Drivers enter here, with the line that installs them (style habit 12)."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from myfy_data.errors import MissingDriverError

_DRIVERS = {
    "sqlite": ("aiosqlite", "pip install aiosqlite"),
    "postgresql": ("asyncpg", "pip install 'myfy-data[postgresql]'"),
    "mysql": ("aiomysql", "pip install 'myfy-data[mysql]'"),
}

COMPANIONS = {"mysql": ("PyMySQL", (1, 1, 1), (1, 3))}
"""What a driver stands on without a bound of its own: the first release that works, and the first that does not."""


def load_driver(profile: str, backend: str, driver: str) -> ModuleType:
    """Import the driver of a backend.

    Args:
        profile: the profile that needs it.
        backend: `sqlite`, `postgresql` or `mysql`.
        driver: SQLAlchemy's name for it, such as `postgresql+asyncpg`.

    Raises:
        MissingDriverError: it is not installed, or cannot work as it is installed; also an ImportError.
    """
    package, install = _DRIVERS[backend]
    reason = _unfit_companion(backend)  # first: it may be why the import fails
    if reason is not None:
        raise MissingDriverError(profile, driver, package=package, install=install, reason=reason)
    try:
        return importlib.import_module(package)
    except ImportError as error:
        reason = "is not installed" if _is_absent(error) else f"is installed and cannot be imported: {error}"
        raise MissingDriverError(profile, driver, package=package, install=install, reason=reason) from error


def _is_absent(error: ImportError) -> bool:
    """Whether a whole package is missing: the driver, or one that it stands on. Else the two do not fit each other."""
    return isinstance(error, ModuleNotFoundError) and error.name is not None and "." not in error.name


def _unfit_companion(backend: str) -> str | None:
    """Why the driver cannot work with a package of the version that is installed; None when it can."""
    if backend not in COMPANIONS:
        return None
    package, first, end = COMPANIONS[backend]
    try:
        installed = version(package)
    except PackageNotFoundError:  # the import tells it better
        return None
    if first <= _numbers(installed) < end:
        return None
    return f"cannot work with {package} {installed}: it needs {_text(first)} or later, before {_text(end)}"


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers that a version begins with: of `1.3.0rc1` they are `(1, 3)`, which 1.3 does not come before."""
    parts = []
    for part in text.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
