"""What a module registers in myfy's container: each profile's by its name, the default's without a qualifier too."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from myfy.core.di import REQUEST, SINGLETON, Container
from myfy.core.di.types import ProviderKey
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.errors import ConfigError, Problem
from myfy_data.module.myfy.application import settings_of_application
from myfy_data.module.myfy.contract import MYFY_CORE
from myfy_data.module.myfy.providers import registrations
from myfy_data.module.myfy.unit import request_session
from myfy_data.package_contract import verify
from myfy_data.sessions.factory import SessionFactory
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.root import DataSettings

if TYPE_CHECKING:
    from myfy_data.module.module import DataModule

_modules: weakref.WeakKeyDictionary[Container, list[DataModule]] = weakref.WeakKeyDictionary()
"""The modules of each application, in the order in which they were added."""

_engines: weakref.WeakKeyDictionary[Container, list[Any]] = weakref.WeakKeyDictionary()
"""The registrations of our engines in each application."""

_ASKED_EACH_TIME = "asked each time"
"""A scope that the container does not know: for such a one it keeps nothing."""


def configure(module: DataModule, container: Container) -> None:
    """Register what a module gives. The first module of an application answers requests that name no profile.

    Raises:
        ConfigError: the configuration cannot be used, or another module has a profile of this name.
        UnsupportedPackageError: this version of myfy does not work.
    """
    verify(MYFY_CORE)
    found = settings_of_application(container)
    if found is not None:
        module.adopt_settings(found)
    earlier = _modules.setdefault(container, [])
    twin = next((other for other in earlier if other.has_settings_of(module)), None)
    if twin is not None:
        module.share_engines(twin)
    if not earlier:
        container.register(DataSettings, lambda: module.settings, scope=SINGLETON)
        _register_profile(module, container, None)
    for name in module.profiles if twin is None else ():
        _refuse_taken(container, name)
        _register_profile(module, container, name)
    earlier.append(module)


def keep_no_engine(container: Container) -> None:
    """Let the container ask for an engine each time: it lives from start to stop, in one event loop (contract C15).

    To be called when the container has been compiled: till then engines are singletons, on which others may depend.
    """
    for registration in _engines.get(container, ()):
        registration.scope = _ASKED_EACH_TIME


def is_first(module: DataModule, container: Container) -> bool:
    """Whether the module answers requests that name no profile."""
    return _modules.get(container, [])[:1] == [module]


def _refuse_taken(container: Container, name: str) -> None:
    if ProviderKey(AsyncSession, name) in registrations(container):
        message = f"profile {name!r} is also one of another DataModule, which has other settings"
        raise ConfigError(
            [Problem("argument", f"profiles.{name}", message, fix="rename it, or use one DataModule for both")]
        )


def _register_profile(module: DataModule, container: Container, profile: str | None) -> None:
    # The container calls a factory with what its parameters ask for, so none may have any.
    singletons: dict[type, Callable[[], Any]] = {
        SessionFactory: lambda: module.get_session_factory(profile),
        AsyncEngine: lambda: module.get_engine(profile),
        DatabaseSettings: lambda: module.get_settings(profile),
    }
    for kind, factory in singletons.items():
        container.register(kind, factory, scope=SINGLETON, qualifier=profile)
    _engines.setdefault(container, []).append(registrations(container)[ProviderKey(AsyncEngine, profile)])
    container.register(
        AsyncSession,
        lambda: request_session(module.get_session_factory(profile)),
        scope=REQUEST,
        qualifier=profile,
    )
