"""What `do_connect` listeners made of one connection's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myfy_data.redaction import Secret


@dataclass(frozen=True, slots=True)
class Login:
    """What `do_connect` listeners want one connection to be opened with.

    Attributes:
        arguments: what the driver's `connect` is told, password excepted.
        secret: the password; None for the profile's own.
    """

    arguments: Mapping[str, Any]
    secret: Secret | None
