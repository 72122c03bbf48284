"""A module's engines: there from first use until `stop()`, and again from the next `start()` (contract C4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleNotConfiguredError
from myfy_data.health.readiness import Readiness
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.telemetry.telemetry import Telemetry

EngineHook = Callable[[str, AsyncEngine], None]
MakeRegistry = Callable[[Mapping[str, DatabaseSettings], EngineHook], EngineRegistry]


class EngineLifecycle:
    """Gives engines while the module may be used, and says so when it may not.

    Session factories outlive a restart: they ask the gate, which asks the registry of the day. Modules of one
    application with the same settings share a gate; the last of them to leave closes the engines (contract C6).

    Args:
        profiles: gives the settings of every profile that may be opened, when the first engine is asked for.

    Attributes:
        hooks: called with profile and engine for each engine that opens.
        make_registry: makes the registry of the day; tests have one of their own, for this is where all connections
            of a module come from.
        telemetry: hears of each engine that opens.
        is_stopped: whether the last module that used the engines was stopped, and none was started since.
        readiness: what load balancers ask; shared as the engines are.
        owners: the modules that use them.
        reloading: held while one of the owners is reloaded, for the running loop's sake made at each start.
        generation: how many reloads have changed something.
    """

    def __init__(self, profiles: Callable[[], Mapping[str, DatabaseSettings]]) -> None:
        self._profiles = profiles
        self._registry: EngineRegistry | None = None
        self.telemetry: Telemetry | None = None
        self.is_stopped: bool = False
        self._users: set[object] = set()
        self.hooks: list[EngineHook] = []
        self.make_registry: MakeRegistry = EngineRegistry
        self.readiness: Readiness = Readiness(lambda: self.registry)
        self.owners: list[Any] = []
        self.reloading: asyncio.Lock = asyncio.Lock()
        self.generation: int = 0

    def get(self, profile: str, *, read_only: bool = False, **chosen: str | None) -> AsyncEngine:
        """The engine of a profile for the running event loop; arguments as for `EngineRegistry.get`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        registry = self._registry if self._registry is not None and not self.is_stopped else self.registry
        return registry.get(profile, read_only=read_only, **chosen)

    @property
    def registry(self) -> EngineRegistry:
        """The registry in use.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        self.check_open()
        if self._registry is None:
            registry = self._registry = self.make_registry(self._profiles(), self._tell)
            if self.telemetry is not None:
                self.telemetry.watch(lambda: registry.opened, registry.known_clusters)
                registry.on_open = self.telemetry.on_open
        return self._registry

    def let_go(self, user: object = None) -> EngineRegistry | None:
        """Forget the current registry, and its users, without closing it; the next use makes another one."""
        self._users.discard(user)
        registry, self._registry = self._registry, None
        return registry

    def _tell(self, profile: str, engine: AsyncEngine) -> None:
        for hook in self.hooks:
            hook(profile, engine)

    def check_open(self) -> None:
        """Refuse any use between `stop()` and the next `start()`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        if self.is_stopped:
            raise DataModuleNotConfiguredError("the module was stopped\n  fix: start it again: await data.start()")

    @property
    def is_entered(self) -> bool:
        """Whether the module was started, and not stopped since."""
        return bool(self._users)

    def enter(self, user: object) -> None:
        """Let the engines be used until this user, and every other one, leaves."""
        if not self._users:
            self.reloading = asyncio.Lock()  # of the loop that starts it
        self.is_stopped = False
        self._users.add(user)
        if self.telemetry is not None:
            self.telemetry.look_for_providers()

    async def leave(self, user: object) -> None:
        """Close every engine within its `close_timeout` and refuse any further use, unless others still use them."""
        self._users.discard(user)
        if self._users:
            return
        self.is_stopped = True
        registry, self._registry = self._registry, None
        try:
            await self.readiness.reset()
        finally:
            if registry is not None:
                await registry.close()
