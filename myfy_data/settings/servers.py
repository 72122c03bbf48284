"""The servers of one profile, and the profile as each of them alone would be (contract C11.1)."""

from __future__ import annotations

from typing import Any, TypeVar

from myfy_data.errors import ConfigError, Problem
from myfy_data.redaction import DatabaseURL
from myfy_data.settings.cluster_models import ReadsSettings
from myfy_data.settings.models import IDENTITY_KEYS, ProfileSettings
from myfy_data.settings.url_query import address_text, split_hosts
from myfy_data.settings.urls import server_url

_Settings = TypeVar("_Settings", bound=ProfileSettings)


def needs_server(settings: ProfileSettings) -> bool:
    """Whether a profile gives a driver and no address: `myfy-data dev` and the test kit find it a server."""
    url = settings.url
    is_said = settings.hosts or url.several or url.host or url.query.keys() & {"host", "unix_socket"}
    return url.backend != "sqlite" and not is_said and not url.database


def require_address(profile: str, settings: ProfileSettings, command: str | None) -> None:
    """Refuse a command that would come to whatever database a server takes for one that is not named.

    Args:
        profile: the profile's name.
        settings: its settings.
        command: the command, for the fix; the profile's name follows. None for the application itself.

    Raises:
        ConfigError: the profile has no address.
    """
    if needs_server(settings):
        message = "gives a driver and no address, so this would be the server's own default database"
        raise ConfigError([Problem("", f"profiles.{profile}", message, fix=_fix_of_address(profile, command))])


def _fix_of_address(profile: str, command: str | None) -> str:
    if command is None:
        return "start the application by myfy-data dev -- COMMAND, or give the profile a database_url"
    return f"myfy-data dev -- myfy-data {command} {profile}"


def server_addresses(settings: ProfileSettings) -> tuple[str, ...]:
    """Every server that may be asked for its role, in written order: `hosts`, then `reads.hosts`."""
    return (*(settings.hosts or settings.url.addresses), *reader_addresses(settings))


def reader_addresses(settings: ProfileSettings) -> tuple[str, ...]:
    """The servers of `reads.hosts`, with their ports."""
    url = settings.url
    port = settings.port or url.default_port
    listed = split_hosts(",".join(settings.reads.hosts)) if settings.reads.hosts else []
    return tuple(address_text(host, own or port) for host, own in listed)


def has_several_servers(settings: ProfileSettings) -> bool:
    """Whether there is a choice to make; without one, nothing is watched (contract C11.1)."""
    return bool(settings.reads.hosts) or bool(settings.hosts and len(settings.hosts) > 1)


def without_readers(settings: _Settings) -> _Settings:
    """The profile without servers that only readers use."""
    if settings.reads.hosts is None:
        return settings
    return settings.model_copy(update={"reads": settings.reads.model_copy(update={"hosts": None})})


def one_server(settings: _Settings, address: str) -> _Settings:
    """The profile as if this server were its only one.

    Args:
        settings: a profile with several servers.
        address: one of `server_addresses`.
    """
    [(host, port)] = split_hosts(address)
    url = server_url(settings.url, host, port)
    text = DatabaseURL(str(url), settings.database_url.base_dir if settings.database_url is not None else None)
    text.parsed = url  # the text masks the password
    kept = {"password_file": settings.password_file}
    changed: dict[str, Any] = {**dict.fromkeys(IDENTITY_KEYS), **kept, "database_url": text, "reads": ReadsSettings()}
    return settings.model_copy(update=changed)
