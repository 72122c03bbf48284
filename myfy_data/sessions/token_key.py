"""The key that signs the cookie of tokens (contract C11.4; ADR 47)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import scrypt

from myfy_data.engines.connect.password import load_password
from myfy_data.errors import ConfigError, Problem
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings

SHORTEST_KEY = 16
"""Bytes of a key that is given: fewer can be tried out."""

_FIX = 'read_your_writes_key=os.environ["COOKIE_KEY"], the same in every process, of `openssl rand -hex 32`'

GivenKey = str | bytes | Secret


def check_given(key: GivenKey) -> bytes:
    """A key that an application gives.

    Raises:
        ConfigError: it is too short.
    """
    text = key.reveal() if isinstance(key, Secret) else key
    raw = text.encode() if isinstance(text, str) else bytes(text)
    if len(raw) < SHORTEST_KEY:
        raise _refused(f"expected {SHORTEST_KEY} characters or more")
    return raw


def derive_key(profiles: Mapping[str, DatabaseSettings]) -> bytes:
    """A key of the profiles' passwords, the same in every process that has them.

    By a slow function: with a cookie at hand, passwords could be tried by its signature.

    Raises:
        ConfigError: a profile has no password that could be known now.
        DatabaseConnectionError: a password file cannot be read.
    """
    known = []
    for name, settings in sorted(profiles.items()):
        secret = load_password(name, settings.url.host or "", settings)
        if secret is None:
            raise _refused(f"profile {name!r} has no password in its settings, of which a key could be made")
        known.append([name, settings.url.username, settings.url.database, secret.reveal()])
    return scrypt(json.dumps(known).encode(), salt=b"myfy_data_token", n=2**14, r=8, p=1, dklen=32)


def _refused(message: str) -> ConfigError:
    return ConfigError([Problem("argument", "read_your_writes_key", message, fix=_FIX)])
