"""`myfy.data`: the same names as `myfy_data`, inside the namespace that myfy-core and myfy-web share.

Names resolve when they are first used, as in `myfy_data`; importing this module imports no SQLAlchemy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import myfy_data

if TYPE_CHECKING:
    from myfy_data import *  # noqa: F403 - the shim has no names of its own

__all__ = myfy_data.__all__


def __getattr__(name: str) -> Any:
    try:
        return getattr(myfy_data, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return dir(myfy_data)
