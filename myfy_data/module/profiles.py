"""Which settings a module uses, and what the names of its profiles stand for (contract C4)."""

from __future__ import annotations

from myfy_data.errors import ConfigError, Problem, UnknownProfileError
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.resolve import Files, resolve_settings, said_by

__all__ = [
    "Files",
    "active_profiles",
    "refuse_settings_as_profile",
    "required_profiles",
    "resolve_profile",
    "resolve_settings",
    "said_by",
]


def resolve_profile(settings: DataSettings, name: str | None) -> str:
    """The name of a profile that can be opened; the default profile's when none is given.

    Raises:
        UnknownProfileError: it is not declared, abstract, or not active.
        ConfigError: no name was given, and there is no default profile.
    """
    resolved = settings.resolve_name(name)
    if not settings.profiles[resolved].active:
        key = f"profiles.{resolved}"
        place = str(settings.origin(f"{key}.active"))
        raise UnknownProfileError(
            [Problem(place, key, "is not active, so it is never opened", (), "active = true", "unknown_profile")]
        )
    return resolved


def active_profiles(settings: DataSettings) -> dict[str, DatabaseSettings]:
    """Every profile that may be opened, by name."""
    return {name: profile for name, profile in settings.profiles.items() if profile.active}


def required_profiles(settings: DataSettings, default: str) -> frozenset[str]:
    """The profiles whose failure stops start-up: said so, or the module's default and nothing said (contract C2)."""
    return frozenset(
        name
        for name, profile in active_profiles(settings).items()
        if profile.required or (profile.required is None and name == default)
    )


def refuse_settings_as_profile(profile: object) -> None:
    """Refuse what upstream took: its module's first positional argument was `settings`.

    Raises:
        ConfigError: it is no name.
    """
    if profile is not None and not isinstance(profile, str):
        message = f"expected the name of a profile, got {type(profile).__name__}"
        raise ConfigError([Problem("argument", "profile", message, fix="DataModule(settings=...)")])
