"""Values that cannot be printed by accident (style habit 6, ADR 0004).

Everything here is standard library only, so that every floor may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MASK = "***"

SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|credential|(api|access|private)_?key|sslkey", re.IGNORECASE
)
"""What a key's name looks like when its value is probably secret."""

OPTIONS_KEY = "credentials_options"
"""A table of ours, redacted by the names inside it."""

_URL_NAME = re.compile(r"(url|uri|dsn)$", re.IGNORECASE)
_AT_IN_QUERY = re.compile(r"[^@]*=[^@]*@")
_LIKE_URL = re.compile(r"://|:.*@", re.DOTALL)  # a `user:password@host` whose scheme was forgotten as well
_SCHEME = re.compile(r"[A-Za-z0-9+_.-]{1,40}")
_CREDENTIALS = re.compile(r"(:/{1,2}[^\s:/@'\"]*):[^\s'\"]*@")
_BEHIND = re.compile(r"[;#]([^;#=&?/]*)=")
_REFERENCE = re.compile(r"\$\{[^}]*\}")  # the ':' of its default is no sign of the URL's
_NO_PORT = re.compile(r"([^/?:\[]*):(?![0-9]+(?:[/?]|$))")


def looks_secret(name: str) -> bool:
    """Whether a key of this name probably holds a secret; a `*_file` key holds a path, which is none."""
    return bool(SECRET_NAME.search(name)) and not name.lower().endswith("_file") and name != OPTIONS_KEY


class Secret:
    """Text that prints as `***`; `reveal()` is the one, greppable way to the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret text itself."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))


class Shown(str):
    """Text that is no secret, though the name of its key looks so."""

    __slots__ = ()


class DatabaseURL(Secret):
    """A database URL as it was written: `str()` masks the password, `reveal()` gives the text.

    Args:
        value: the URL.
        base_dir: the directory that a relative SQLite path is relative to; None means the working
            directory at the time of opening (contract C3.12).
    """

    __slots__ = ("base_dir", "parsed")

    def __init__(self, value: str, base_dir: Path | None = None) -> None:
        self._value = value
        self.base_dir: Path | None = base_dir
        self.parsed: Any = None  # a ConnectionURL, filled by `settings.urls`, so that each URL is taken apart once

    def __str__(self) -> str:
        return redact_url(self._value)


def brings_password(url: object) -> bool:
    """Whether a URL, as it was written, holds a password; anything that is no URL holds none."""
    text = url.reveal() if isinstance(url, DatabaseURL) else url
    if not isinstance(text, str) or "@" not in text:
        return False
    return ":" in _REFERENCE.sub("", text).partition("://")[2].rpartition("@")[0]


_HOST = re.compile(r"[^/?]|[^?]*\?(.*&)?host=", re.DOTALL)


def brings_host(url: object) -> bool:
    """Whether a URL, as it was written, names a server, before or behind its `?`."""
    text = url.reveal() if isinstance(url, DatabaseURL) else url
    return isinstance(text, str) and _HOST.match(text.partition("://")[2].rpartition("@")[2]) is not None


def redact_url(text: str) -> str:
    """Mask everything secret in a URL, however broken it is.

    A password may hold `@`, `/` and `?` unescaped, and no parser can then tell where it ends. So all
    text between the user name and the *last* `@` is masked: too much rather than too little.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme.strip()):
        return MASK  # no URL: it may be a password that stands in the wrong place
    before, _, after = rest.partition("?")
    if _AT_IN_QUERY.match(after):
        return _redact_unclear(scheme, before)
    userinfo, at, location = rest.rpartition("@")
    if at:
        # Before the `@` of a server, a slash is a mistake for ':'; in a SQLite file's path it is none.
        user = re.split(":" if scheme.startswith("sqlite") else "[:/?]", userinfo, maxsplit=1)[0]
        userinfo = f"{user}:{MASK}" if user != userinfo else user
    elif (broken := _NO_PORT.match(location)) is not None:
        return f"{scheme}://{broken[1]}:{MASK}"  # `user:password` whose `@host` was forgotten
    if secret := secret_behind(location):
        return f"{scheme}://{userinfo}{at}{location[: secret.end()]}{MASK}"
    path, question, query = location.partition("?")
    if question:
        query = "&".join(_redact_pairs(query))
    return f"{scheme}://{userinfo}{at}{path}{question}{query}"


def secret_behind(text: str) -> re.Match[str] | None:
    """Where `;password=` or `#password=` stands in a URL, as other tools write it; None when it does not."""
    return next((found for found in _BEHIND.finditer(text) if looks_secret(found[1])), None)


def _redact_unclear(scheme: str, before: str) -> str:
    """A URL with an `@` behind `?name=`, which may be of the query's value or of the password: neither is shown."""
    if ":" in before:
        return f"{scheme}://{before.partition(':')[0]}:{MASK}"
    return f"{redact_url(f'{scheme}://{before}')}?{MASK}"


def _redact_pairs(query: str) -> Iterator[str]:
    for pair in query.split("&"):
        name, equals, _ = pair.partition("=")
        if equals and (looks_secret(name) or "%" in name):
            yield f"{name}={MASK}"
            return  # a secret may hold '&' unescaped, so what follows may be more of it
        yield pair


def redact_text(text: str) -> str:
    """Mask the credentials of every URL inside a sentence: one may stand where no secret is expected."""
    return _CREDENTIALS.sub(rf"\1:{MASK}@", text) if "@" in text else text


def redact_value(name: str, value: object) -> object:
    """The printable form of the value of key `name`; a table is redacted key by key."""
    if isinstance(value, Secret | Shown):
        return str(value)
    secret = looks_secret(name)
    if isinstance(value, Mapping):
        # Below a key that looks secret, the names inside say nothing about what is.
        return {key: redact_value(name if secret else str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(name, item) for item in value]
    if value is not None and secret:
        return MASK
    if isinstance(value, str) and (_LIKE_URL.search(value) or _URL_NAME.search(name)):
        return redact_url(value)
    return value


def redact_at(path: Sequence[str], value: object) -> object:
    """The printable form of the value at a key path: secret when any name on the way looks so."""
    return redact_value(next((name for name in path if looks_secret(name)), path[-1]), value)
