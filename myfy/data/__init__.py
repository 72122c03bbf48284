"""`myfy.data`: the same names as `myfy_data`, inside the namespace that myfy-core and myfy-web share.

Names resolve when they are first used, as in `myfy_data`; importing this module imports no SQLAlchemy. The submodules
have the names that upstream's package has in them, and those that stand at its top resolve here as well (contract C15).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import myfy_data

if TYPE_CHECKING:
    from myfy_data import *  # noqa: F403 - the shim has no names of its own

_UPSTREAM = {
    "Column": "sqlalchemy",
    "Integer": "sqlalchemy",
    "SUPPORTED_ASYNC_DRIVERS": "myfy.data.config",
    "String": "sqlalchemy",
    "Table": "sqlalchemy",
    "create_alembic_env_template": "myfy.data.migrations",
    "data_module": "myfy.data.module",
    "get_session_for_request": "myfy.data.session",
    "select": "sqlalchemy",
}
"""Where the names are that only upstream's package has at its top; `__all__` leaves them out."""

__all__ = myfy_data.__all__


def __getattr__(name: str) -> Any:
    if name in _UPSTREAM:
        return getattr(import_module(_UPSTREAM[name]), name)
    if name in __all__:
        return getattr(myfy_data, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*dir(myfy_data), *_UPSTREAM})
