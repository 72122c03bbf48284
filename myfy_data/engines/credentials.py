"""The password of a new connection, fetched when the connection is made and not before (contract C3.8)."""

from __future__ import annotations

from myfy_data.errors import DatabaseConnectionError
from myfy_data.layers.secrets import SecretError, read_secret
from myfy_data.redaction import Secret
from myfy_data.settings.models import DatabaseSettings


def load_password(profile: str, target: str, settings: DatabaseSettings) -> Secret | None:
    """The password to connect with; a `password_file` is read anew, so a rotated file needs no restart.

    Args:
        profile: the profile's name.
        target: the server in words, for the error.
        settings: the profile's settings.

    Raises:
        DatabaseConnectionError: the password file cannot be read.
    """
    if settings.password_file is None:
        return settings.url.password
    try:
        return Secret(read_secret(settings.password_file))
    except SecretError as error:
        raise DatabaseConnectionError(profile, target, error.message, error.fix) from None
