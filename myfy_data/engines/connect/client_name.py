"""The name under which a server lists the connections of a profile, where the profile says none (contract C12.2)."""

from __future__ import annotations

import os

SERVICE = "OTEL_SERVICE_NAME"
"""The variable by which a deployment says what its process is called."""

_LIMIT = 63
"""Bytes that PostgreSQL keeps of it."""


def default_client_name(profile: str) -> str:
    """Service and profile, such as `shop/main`; `myfy` for a service without a name."""
    service = os.environ.get(SERVICE, "").strip() or "myfy"
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in service)
    return f"{plain[: _LIMIT - 1 - len(profile)]}/{profile}"[-_LIMIT:].lstrip("/")
