"""The servers of one profile, and the profile as each of them alone would be (contract C11.1)."""

from __future__ import annotations

from typing import Any, TypeVar

from myfy_data.redaction import DatabaseURL
from myfy_data.settings.cluster_models import ReadsSettings
from myfy_data.settings.hosts import own_addresses
from myfy_data.settings.models import IDENTITY_KEYS, ProfileSettings
from myfy_data.settings.url_query import address_text, split_hosts
from myfy_data.settings.urls import server_url

_Settings = TypeVar("_Settings", bound=ProfileSettings)


def server_addresses(settings: ProfileSettings) -> tuple[str, ...]:
    """Every server that may be asked for its role, in written order: `hosts`, then `reads.hosts`."""
    return (*(settings.hosts or own_addresses(settings.url)), *reader_addresses(settings))


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
