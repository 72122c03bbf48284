"""The password of a new connection, fetched when the connection is made and not before (contract C3.8)."""

from __future__ import annotations

from types import MappingProxyType

from myfy_data.credentials.provider import load_provider
from myfy_data.credentials.types import CredentialRequest, ProviderError, Reason
from myfy_data.engines.connect.credentials import CredentialSource
from myfy_data.errors import ConfigError, DatabaseConnectionError, Problem
from myfy_data.redaction import Secret
from myfy_data.settings.credential_files import FileFaultError, read_password
from myfy_data.settings.database_settings import DatabaseSettings


def load_source(profile: str, settings: DatabaseSettings, port: int | None) -> CredentialSource | None:
    """What gives the credentials of a profile's connections; None where its settings give the password.

    Args:
        profile: the profile's name.
        settings: the profile's settings.
        port: the port that the driver takes by default.

    Raises:
        ConfigError: the provider cannot be imported, or there is none of this name.
    """
    name = settings.credentials
    if name is None:
        return None
    try:
        provider = load_provider(str(name), name.base_dir)
    except ProviderError as error:
        raise ConfigError([Problem("", f"profiles.{profile}.credentials", error.message, fix=error.fix)]) from None
    url = settings.url

    def request(reason: Reason) -> CredentialRequest:
        options = MappingProxyType(settings.credentials_options or {})
        return CredentialRequest(profile, url.host, url.port or port, url.username, reason, options)

    return CredentialSource(provider, request, settings.connect_timeout)


def load_password(profile: str, target: str, settings: DatabaseSettings) -> Secret | None:
    """The password to connect with; a `password_file` is read anew, so a rotated file needs no restart.

    Args:
        profile: the profile's name.
        target: the server in words, for the error.
        settings: the profile's settings.

    Raises:
        DatabaseConnectionError: the password file cannot be used.
    """
    if settings.credentials is not None:
        return None  # a URL of a lower layer may hold one
    if settings.password_file is None:
        return settings.url.password
    try:
        return Secret(read_password(settings.password_file))
    except FileFaultError as fault:
        raise DatabaseConnectionError(profile, target, fault.message, fault.advice) from None
