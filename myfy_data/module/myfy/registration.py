"""What a module registers in myfy's container: each profile's by its name, the default's without a qualifier too."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

from myfy.core.di import REQUEST, SINGLETON, Container
from myfy.core.di.types import ProviderKey
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.endpoints.http import Answer, Endpoints
from myfy_data.errors import ConfigError, Problem
from myfy_data.module.base import IDataProvider
from myfy_data.module.lifecycle import EngineLifecycle
from myfy_data.module.myfy.app_settings import settings_of_application
from myfy_data.module.myfy.container import registrations
from myfy_data.module.myfy.container_engine import ContainerEngine
from myfy_data.module.myfy.contract import MYFY_CORE
from myfy_data.module.myfy.request_scope import request_session
from myfy_data.package_contract import verify
from myfy_data.sessions.factory import SessionFactory
from myfy_data.sessions.token_cookie import TokenCookie
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings


class RegisteredModule(IDataProvider, Protocol):
    """What a `DataModule` is asked for by the container."""

    @property
    def settings(self) -> DataSettings:
        """The settings of all profiles."""
        ...

    @property
    def profiles(self) -> Mapping[str, DatabaseSettings]:
        """Every active profile by name."""
        ...

    @property
    def engine_gate(self) -> EngineLifecycle:
        """What gives its engines while it may be used."""
        ...

    @property
    def endpoints(self) -> Endpoints:
        """What the module answers itself."""
        ...

    @property
    def token_cookie(self) -> TokenCookie | None:
        """What takes clients' writes to their next requests."""
        ...

    def get_settings(self, profile: str | None = None) -> DatabaseSettings:
        """The settings of a profile."""
        ...

    def adopt_settings(self, found: DataSettings | DatabaseSettings) -> None:
        """Use what the application gave."""
        ...

    def has_settings_of(self, other: Self) -> bool:
        """Whether another module's settings are these."""
        ...

    def share_engines(self, other: Self) -> None:
        """Use the engines of another module."""
        ...


_modules: weakref.WeakKeyDictionary[Container, list[RegisteredModule]] = weakref.WeakKeyDictionary()
"""The modules of each application, in the order in which they were added."""

_fleeting: weakref.WeakKeyDictionary[Container, list[Any]] = weakref.WeakKeyDictionary()
"""The registrations of our engines and settings in each application."""

_ASKED_EACH_TIME = "asked each time"
"""A scope that the container does not know: for such a one it keeps nothing."""


def configure(module: RegisteredModule, container: Container) -> None:
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
        _fleeting.setdefault(container, []).append(registrations(container)[ProviderKey(DataSettings, None)])
        _register_profile(module, container, None)
    for name in module.profiles if twin is None else ():
        _refuse_taken(container, name)
        _register_profile(module, container, name)
    earlier.append(module)


def keep_nothing_fleeting(container: Container) -> None:
    """Let the container ask for an engine each time: it lives from start to stop, in one event loop (contract C15).

    For settings, too: a reload may change them. To be called when the container has been compiled: till then all of
    them are singletons, on which others may depend.
    """
    for registration in _fleeting.get(container, ()):
        registration.scope = _ASKED_EACH_TIME


def endpoints_of(container: Container) -> Endpoints:
    """What the modules of an application answer themselves; of two at one path, the first module's."""
    answers: dict[str, Answer] = {}
    for module in _modules.get(container, ()):
        for path, answer in module.endpoints.answers.items():
            answers.setdefault(path, answer)
    logs = (module.endpoints.log for module in _modules.get(container, ()))
    return Endpoints(answers, next((log for log in logs if log is not None), None))


def token_cookie_of(container: Container) -> TokenCookie | None:
    """The cookie of the first module of an application that has one."""
    cookies = (module.token_cookie for module in _modules.get(container, ()))
    return next((cookie for cookie in cookies if cookie is not None), None)


def is_first(module: RegisteredModule, container: Container) -> bool:
    """Whether the module answers requests that name no profile."""
    return _modules.get(container, [])[:1] == [module]


def _refuse_taken(container: Container, name: str) -> None:
    if ProviderKey(AsyncSession, name) in registrations(container):
        message = f"profile {name!r} is also one of another DataModule, which has other settings"
        raise ConfigError(
            [Problem("argument", f"profiles.{name}", message, fix="rename it, or use one DataModule for both")]
        )


def _register_profile(module: RegisteredModule, container: Container, profile: str | None) -> None:
    # The container calls a factory with what its parameters ask for, so none may have any.
    singletons: dict[type, Callable[[], Any]] = {
        SessionFactory: lambda: module.get_session_factory(profile),
        AsyncEngine: lambda: _engine(module, profile),
        DatabaseSettings: lambda: module.get_settings(profile),
    }
    for kind, factory in singletons.items():
        container.register(kind, factory, scope=SINGLETON, qualifier=profile)
    kept = (registrations(container)[ProviderKey(kind, profile)] for kind in (AsyncEngine, DatabaseSettings))
    _fleeting.setdefault(container, []).extend(kept)
    container.register(
        AsyncSession,
        lambda: request_session(module.get_session_factory(profile)),
        scope=REQUEST,
        qualifier=profile,
    )


def _engine(module: RegisteredModule, profile: str | None) -> AsyncEngine:
    """The present engine; before the start, when other modules ask for one to keep, one that leads to it."""
    if module.engine_gate.is_entered:
        return module.get_engine(profile)
    module.engine_gate.check_open()
    return ContainerEngine(lambda: module.get_engine(profile))
