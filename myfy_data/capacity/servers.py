"""Asking the servers from outside any application, over connections that end with the question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from myfy_data.capacity.report import ServerCapacity, read_capacity
from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.data_settings import DataSettings


def ask_servers(settings: DataSettings, profiles: Sequence[str] | None = None) -> list[ServerCapacity]:
    """As `read_capacity`, in an event loop of its own.

    Raises:
        ConfigError: no engine can be made of a profile.
        DataModuleError: a server did not answer.
    """
    names = [name for name, profile in settings.profiles.items() if profile.active] if profiles is None else profiles
    settings.require_engines(names)
    return asyncio.run(_ask(settings, names))


async def _ask(settings: DataSettings, names: Sequence[str]) -> list[ServerCapacity]:
    registry = EngineRegistry(settings.profiles)
    try:
        return await read_capacity(settings, registry, names)
    finally:
        await registry.close()
