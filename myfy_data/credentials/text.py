"""Credentials as a command prints them, or a file holds them: a bare password, or an object in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from myfy_data.credentials.types import Credentials, ProviderError
from myfy_data.redaction import Secret
from myfy_data.suggestions import listed, nearest

LIMIT = 65536
"""Bytes that credentials may have."""

FORMATS = ("text", "json")
_FIELDS = ("password", "username", "expires_at", "max_connection_age")
_SHARED = ("format", "lifetime", "max_connection_age")


def check_options(options: Mapping[str, object], own: tuple[str, ...]) -> None:
    """Refuse options that a provider does not have, and formats that there are not.

    Raises:
        ProviderError: says which option, and the near one.
    """
    known = (*own, *_SHARED)
    for name in options:
        if name not in known:
            near = nearest(name, known)
            hint = f". Did you mean {near!r}?" if near else f"; there are: {listed(known)}"
            raise ProviderError(f"has no option {name!r}{hint}", f"rename it to {near}" if near else f"delete {name}")
    chosen = options.get("format", "text")
    if chosen not in FORMATS:
        raise ProviderError("takes text or json as format", 'format = "json"')
    lifetime = options.get("lifetime")
    if lifetime is not None and (isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or lifetime <= 0):
        raise ProviderError("takes a number of seconds above 0 as lifetime", "lifetime = 900.0")


def read_credentials(said: Secret, options: Mapping[str, Any]) -> Credentials:
    """The credentials that a text means.

    Args:
        said: the text: the password itself with one newline at most behind it, or with `format = "json"` an object
            with `password`, and `username`, `expires_at` (RFC 3339) and `max_connection_age` where they are known.
        options: `format`, `lifetime` in seconds where the text names no end, `max_connection_age` likewise.

    Raises:
        ProviderError: it means none; its text is not repeated.
    """
    if options.get("format", "text") == "text":
        fields: dict[str, Any] = {"password": Secret(said.reveal().removesuffix("\n").removesuffix("\r"))}
    else:
        fields = _object(said)
    lifetime = options.get("lifetime")
    if lifetime is not None:
        fields.setdefault("expires_at", datetime.now(UTC) + timedelta(seconds=lifetime))
    if "max_connection_age" in options:
        fields.setdefault("max_connection_age", options["max_connection_age"])
    return Credentials(**fields)


def _object(said: Secret) -> dict[str, object]:
    try:
        fields = json.loads(said.reveal())
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("password"), str):
        raise ProviderError("gives no object in JSON with a password in it", '{"password": "..."}')
    fields = {name: fields[name] for name in _FIELDS if fields.get(name) is not None}
    fields["password"] = Secret(fields["password"])
    if "expires_at" in fields:
        fields["expires_at"] = _moment(fields["expires_at"])
    return fields


def _moment(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise ProviderError(
            "gives an expires_at that is no date and time", '"expires_at": "2030-01-31T12:00:00Z"'
        ) from None
