"""What a provider of credentials is asked, and what it answers (contract C12.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from myfy_data.redaction import Secret

Reason = Literal["connect", "refused"]
"""Why credentials are asked for: a new connection needs some, or the server has just refused those that it had."""


class ProviderError(ValueError):
    """Why there are no credentials, in words that hold no secret: a provider may raise it to say so.

    Every other exception of a provider is told by the name of its class and its line, never by its text.

    Attributes:
        message: what went wrong.
        fix: what to do; may be empty.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        self.message = message
        self.fix = fix
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """What a new connection needs credentials for.

    Attributes:
        profile: the profile's name.
        host: the server's host name, address or directory of its socket; None where the profile names none.
        port: the server's port, the database's usual one where the profile names none.
        username: the user that the profile names; None where it names none.
        reason: `"connect"`, or `"refused"` after the server refused what was given before.
        options: the table `credentials_options`; never printed, for it may hold secrets.
    """

    profile: str
    host: str | None
    port: int | None
    username: str | None
    reason: Reason
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, init=False)
class Credentials:
    """What a connection logs in with.

    Args:
        password: the password or token; printed as `***`.
        username: the user; the profile's own when None.
        expires_at: when the password stops being taken, with a time zone. It is asked for anew after 80 % of the time
            until then; without it, when the server refuses it.
        max_connection_age: seconds after which a connection that logged in with it is replaced, between two sessions;
            None for as long as others.

    Raises:
        ProviderError: one of them cannot be used.
    """

    password: Secret
    username: str | None
    expires_at: datetime | None
    max_connection_age: float | None

    def __init__(
        self,
        password: str | Secret,
        username: str | None = None,
        expires_at: datetime | None = None,
        max_connection_age: float | None = None,
    ) -> None:
        # No frame of ours holds it, and whatever shows this object finds all of it, also when it is refused.
        secret = _secret_of(password)
        del password
        for name, value in (
            ("password", secret),
            ("username", username),
            ("expires_at", expires_at),
            ("max_connection_age", max_connection_age),
        ):
            object.__setattr__(self, name, value)
        _check_names(secret, username)
        _check_times(expires_at, max_connection_age)


def _secret_of(password: object) -> Secret | None:
    if isinstance(password, str):
        return Secret(password)
    return password if isinstance(password, Secret) else None


def _check_names(secret: Secret | None, username: object) -> None:
    if secret is None:
        raise ProviderError("gives a password that is no text", "Credentials(password=token)")
    if not secret.reveal():
        raise ProviderError("gives an empty password", "Credentials(password=token)")
    if username is not None and not (isinstance(username, str) and username):
        raise ProviderError("gives a username that is no text", "Credentials(password=token, username=name)")


def _check_times(expires_at: object, age: object) -> None:
    if expires_at is not None and not (isinstance(expires_at, datetime) and expires_at.utcoffset() is not None):
        fix = "expires_at=datetime.now(UTC) + timedelta(minutes=15)"
        raise ProviderError("gives an expires_at that is no datetime with a time zone", fix)
    if age is not None and (isinstance(age, bool) or not isinstance(age, int | float) or not 0 < age < float("inf")):
        raise ProviderError(
            "gives a max_connection_age that is no number of seconds above 0", "max_connection_age=3600.0"
        )
