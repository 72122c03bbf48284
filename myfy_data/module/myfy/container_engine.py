"""The engine that the container hands out before the start: the profile's present one at each use (contract C15)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine


class ContainerEngine(AsyncEngine):
    """An `AsyncEngine` for modules that take one as the application is put together, and keep it.

    An engine lives from start to stop, in one event loop; this one outlives both and leads to the engine of the running
    loop. Between stop and start each use raises `DataModuleNotConfiguredError`.

    Args:
        present: gives the profile's engine of the running loop.
    """

    # No super().__init__(): it asks for the engine, and this one may be made before there is any.
    def __init__(self, present: Callable[[], AsyncEngine]) -> None:
        self._present = present

    @property
    def sync_engine(self) -> Engine:  # type: ignore[override]  # SQLAlchemy's is an attribute, and reads alike
        """The synchronous engine behind the present one; listeners belong to it."""
        return self._present().sync_engine

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncEngine) and self.sync_engine == other.sync_engine

    def __hash__(self) -> int:
        return id(self)
