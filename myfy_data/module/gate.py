"""A module's engines: there from first use until `stop()`, and again from the next `start()` (contract C4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleNotConfiguredError
from myfy_data.settings.models import DatabaseSettings

EngineHook = Callable[[str, AsyncEngine], None]


class EngineGate:
    """Gives engines while the module may be used, and says so when it may not.

    Session factories outlive a restart: they ask the gate, which asks the registry of the day. Modules of one
    application with the same settings share a gate; the last of them to leave closes the engines (contract C6).

    Args:
        profiles: gives the settings of every profile that may be opened, when the first engine is asked for.

    Attributes:
        hooks: called with profile and engine for each engine that opens.
    """

    def __init__(self, profiles: Callable[[], Mapping[str, DatabaseSettings]]) -> None:
        self._profiles = profiles
        self._registry: EngineRegistry | None = None
        self._stopped = False
        self._users: set[object] = set()
        self.hooks: list[EngineHook] = []

    def get(self, profile: str, *, read_only: bool = False) -> AsyncEngine:
        """The engine of a profile for the running event loop; `read_only` as in `EngineRegistry.get`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        return self.registry.get(profile, read_only=read_only)

    @property
    def registry(self) -> EngineRegistry:
        """The registry in use.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        self.check_open()
        if self._registry is None:
            self._registry = EngineRegistry(self._profiles(), self._tell)
        return self._registry

    def _tell(self, profile: str, engine: AsyncEngine) -> None:
        for hook in self.hooks:
            hook(profile, engine)

    def check_open(self) -> None:
        """Refuse any use between `stop()` and the next `start()`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        if self._stopped:
            raise DataModuleNotConfiguredError("the module was stopped\n  fix: start it again: await data.start()")

    def enter(self, user: object) -> None:
        """Let the engines be used until this user, and every other one, leaves."""
        self._stopped = False
        self._users.add(user)

    async def leave(self, user: object) -> None:
        """Close every engine within its `close_timeout` and refuse any further use, unless others still use them."""
        self._users.discard(user)
        if self._users:
            return
        self._stopped = True
        registry, self._registry = self._registry, None
        if registry is not None:
            await registry.close()
