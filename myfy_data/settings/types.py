"""The value types of the settings models: secrets and free tables, validated and serialized redacted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, SecretStr, SerializationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from myfy_data.redaction import DatabaseURL, Secret, Shown, redact_value
from myfy_data.settings.url_query import address_text, split_hosts
from myfy_data.settings.urls import URLError, invalid_url, parsed

_PROVIDER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*|[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*")
_NO_HOST = re.compile(r"[\s?#\\\x00-\x1f\x7f]|://")


def _text(value: object) -> str:
    """Text, or the text inside pydantic's own secret types, which applications may hand over."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "expected text")
    return value


def _secret(value: object) -> Secret:
    return value if isinstance(value, Secret) else Secret(_text(value))


def _database_url(value: object) -> DatabaseURL:
    url = value if isinstance(value, DatabaseURL) else DatabaseURL(_text(value))
    try:
        parsed(url)
    except URLError as error:
        raise invalid_url(error, "argument", ("database_url",)) from None
    return url


def is_content(text: str) -> bool:
    """Whether text is what a file should hold, in the place of its path; never repeated, because it may be a key."""
    return "\n" in text or "-----BEGIN" in text


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    text = _text(value)
    if is_content(text):
        raise refused("is the content of a file, not its path", "write it to a file, and name that")
    return Path(text)


def _host(value: object) -> str:
    host = _text(value)
    if "@" in host:  # never repeated: before it may stand a password
        raise refused("holds an '@', so it is no host", "give username and password as keys of their own")
    if "," in host:
        listed = json.dumps([part.strip() for part in host.split(",") if part.strip()], ensure_ascii=False)
        raise refused("is more than one host", f"delete this line, and write: hosts = {listed}")
    if _NO_HOST.search(host) or (":" in host and not host.startswith("/") and not _is_ip(host)):
        raise refused(
            "is no host name, address or directory of a socket", "give port and database as keys of their own"
        )
    return host


def _hosts(value: object) -> tuple[str, ...]:
    """Each server as it is written; which port it has where none is given, only the whole profile tells."""
    if isinstance(value, str):
        raise refused("is one text, not a list", f"hosts = {json.dumps(_listed(value), ensure_ascii=False)}")
    if not isinstance(value, list | tuple):
        raise refused("is no list of servers", _HOSTS_FIX)
    if not value:
        raise refused("names no server", _HOSTS_FIX)
    return tuple(_server(item) for item in value)


def _listed(text: str) -> list[str]:
    """The servers of a text with commas; a sample in place of what may hold a password."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    return names if names and "@" not in text and "://" not in text else ["db1.internal", "db2.internal:5433"]


def _server(value: object) -> str:
    text = _text(value).strip()
    if "@" in text or "://" in text:  # never repeated: there may be a password in it
        raise refused("holds more than hosts and ports, which have keys of their own", _HOSTS_FIX)
    try:
        [(host, port)] = split_hosts(text)
        _host(host)
    except (URLError, ValueError, PydanticCustomError):
        message = f"{text[:60]!r} is no server: expected host, host:port, [::1]:port or /folder"
        raise refused(message, _HOSTS_FIX) from None
    return address_text(host, port)


_HOSTS_FIX = 'hosts = ["db1.internal", "db2.internal:5433"]'


class ProviderName(Shown):
    """What gives credentials: `package.module:function`, or the name of an entry point (contract C12.4).

    Attributes:
        base_dir: the project's root, from which modules are imported; None for the working directory.
    """

    __slots__ = ("base_dir",)
    base_dir: Path | None

    def __new__(cls, text: str, base_dir: Path | None = None) -> ProviderName:
        """The name, with where it was said."""
        name = super().__new__(cls, text)
        name.base_dir = base_dir
        return name

    def __str__(self) -> str:
        return "".join(self)


def _provider(value: object) -> ProviderName:
    if isinstance(value, ProviderName):
        return value
    text = _text(value)
    if not _PROVIDER.fullmatch(text):  # never repeated: it may be a password
        raise refused(
            "is neither a function, as package.module:function, nor the name of a provider",
            "write app.auth:token in its place",
        )
    return ProviderName(text)


def placed(text: str, base_dir: Path | None) -> ProviderName | str:
    """The name of a provider that knows where it was said; text that is none, for the model to refuse."""
    if isinstance(text, ProviderName) or not _PROVIDER.fullmatch(text):
        return text
    return ProviderName(text, base_dir)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def refused(message: str, fix: str) -> PydanticCustomError:
    """The error of a value that must not be repeated in a message."""
    return PydanticCustomError("refused", "{message}", {"message": message, "fix": fix})


def _redacted(table: Mapping[str, object], info: SerializationInfo) -> object:
    shown = redact_value("", table)
    return _for_json(shown) if info.mode_is_json() else shown


def _for_json(value: object) -> object:
    """The value with a word in place of what JSON cannot hold: a driver may take any object."""
    if isinstance(value, dict):
        return {key: _for_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_for_json(item) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__


SecretText = Annotated[Secret, PlainValidator(_secret), PlainSerializer(str), WithJsonSchema({"type": "string"})]
"""A password: prints as `***`."""

ProviderText = Annotated[
    ProviderName, PlainValidator(_provider), PlainSerializer(str), WithJsonSchema({"type": "string"})
]
"""What gives credentials; a module of the project is found from where the loader says its root is."""

DatabaseURLText = Annotated[
    DatabaseURL, PlainValidator(_database_url), PlainSerializer(str), WithJsonSchema({"type": "string"})
]
"""A database URL: prints with its password masked. Raises `InvalidDatabaseURLError` when it cannot be used."""

FilePath = Annotated[Path, PlainValidator(_path), PlainSerializer(str), WithJsonSchema({"type": "string"})]
"""A path; relative ones were made absolute by the loader (contract C3.12)."""

HostText = Annotated[str, PlainValidator(_host), WithJsonSchema({"type": "string"})]
"""A host's name or address, or the directory of its socket."""

HostTexts = Annotated[
    tuple[str, ...],
    PlainValidator(_hosts),
    PlainSerializer(list),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1}),
]
"""Several servers, each as `host`, `host:port`, `[::1]:port` or the directory of its socket."""

FreeTable = Annotated[dict[str, Any], AfterValidator(dict), PlainSerializer(_redacted)]
"""A table whose keys belong to a driver or to SQLAlchemy; serialized with secrets masked."""
