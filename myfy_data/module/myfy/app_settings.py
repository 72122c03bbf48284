"""The database settings that an application holds in its own settings (seed S11)."""

from __future__ import annotations

from collections.abc import Iterator

from myfy.core.config import BaseSettings
from myfy.core.di import Container

from myfy_data.errors import ConfigError, Problem
from myfy_data.module.myfy.container import registrations
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings

Found = DatabaseSettings | DataSettings


def settings_of_application(container: Container) -> Found | None:
    """The database settings among the fields of the application's settings; None when there are none.

    The kernel registers only fields that are settings classes of `myfy.core`, which ours cannot be.

    Raises:
        ConfigError: there are several, and which are meant is unknown.
    """
    found = dict(_fields(container))
    if len(found) > 1:
        first = next(iter(found))
        message = f"the application's settings hold database settings at several fields: {', '.join(found)}"
        fix = f"DataModule(settings=app.settings.{first.rpartition('.')[2]}), or one profile for each"
        raise ConfigError([Problem("argument", "settings", message, fix=fix)])
    return next(iter(found.values()), None)


def _fields(container: Container) -> Iterator[tuple[str, Found]]:
    # The kernel has registered the application's settings, and nothing else, before it configures modules; CoreSettings
    # names the same object again.
    seen: set[int] = set()
    for key, registration in registrations(container).items():
        if not (isinstance(key.type, type) and issubclass(key.type, BaseSettings)):
            continue
        settings = registration.factory()
        if id(settings) in seen:
            continue
        seen.add(id(settings))
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, DatabaseSettings | DataSettings):
                yield f"{type(settings).__name__}.{name}", value
