"""The module's engines: there from first use until `stop()`, and again from the next `start()` (contract C4)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleNotConfiguredError


class EngineGate:
    """Gives engines while the module may be used, and says so when it may not.

    Session factories outlive a restart: they ask the gate, which asks the registry of the day.

    Args:
        make_registry: makes a registry, without opening anything.
    """

    def __init__(self, make_registry: Callable[[], EngineRegistry]) -> None:
        self._make_registry = make_registry
        self._registry: EngineRegistry | None = None
        self._stopped = False

    def get(self, profile: str) -> AsyncEngine:
        """The engine of a profile for the running event loop.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        return self.registry.get(profile)

    @property
    def registry(self) -> EngineRegistry:
        """The registry in use.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        self.check_open()
        if self._registry is None:
            self._registry = self._make_registry()
        return self._registry

    def check_open(self) -> None:
        """Refuse any use between `stop()` and the next `start()`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        if self._stopped:
            raise DataModuleNotConfiguredError("the module was stopped\n  fix: start it again: await data.start()")

    def reopen(self) -> None:
        """Let the module be used again."""
        self._stopped = False

    async def close(self) -> None:
        """Refuse any further use, and close every engine within its `close_timeout`."""
        self._stopped = True
        registry, self._registry = self._registry, None
        if registry is not None:
            await registry.close()
