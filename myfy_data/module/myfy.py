"""The one room that knows `myfy.core`: what `DataModule` registers in its container (seed S9, contract C6).

A REQUEST-scoped session is made here and ended by nobody: whoever owns the request commits or rolls it back, then
closes it. The unit of work that does so around a handler is the host adapter's part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.sessions.factory import SessionFactory
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.root import DataSettings

if TYPE_CHECKING:
    from myfy_data.module.module import DataModule


def configure(module: DataModule, container: Any) -> None:
    """Register what belongs to the default profile without a qualifier, and each active profile's by its name.

    Args:
        module: the module that gives sessions and engines.
        container: a `myfy.core.di.Container` that is not compiled yet.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    from myfy.core.di import SINGLETON  # noqa: PLC0415 - importing myfy_data pulls in no framework

    container.register(DataSettings, lambda: module.settings, scope=SINGLETON)
    _register_profile(module, container, None)
    for name in module.profiles:
        _register_profile(module, container, name)


def _register_profile(module: DataModule, container: Any, profile: str | None) -> None:
    from myfy.core.di import REQUEST, SINGLETON  # noqa: PLC0415 - as above

    # The container calls a factory with what its parameters ask for, so none may have any.
    singletons: dict[type, Callable[[], Any]] = {
        SessionFactory: lambda: module.get_session_factory(profile),
        AsyncEngine: lambda: module.get_engine(profile),
        DatabaseSettings: lambda: module.get_session_factory(profile).settings,
    }
    for kind, factory in singletons.items():
        container.register(kind, factory, scope=SINGLETON, qualifier=profile)
    container.register(
        AsyncSession, lambda: module.get_session_factory(profile).create_session(), scope=REQUEST, qualifier=profile
    )
