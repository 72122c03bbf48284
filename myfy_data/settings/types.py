"""The value types of the settings models: secrets and free tables, validated and serialized redacted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, SecretStr, SerializationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from myfy_data.redaction import DatabaseURL, Secret, redact_value
from myfy_data.settings.urls import URLError, invalid_url, parsed

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


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    text = _text(value)
    if "\n" in text or "-----BEGIN" in text:  # never repeated: it may be a key
        raise refused("is the content of a file, not its path", "write it to a file, and name that")
    return Path(text)


def _host(value: object) -> str:
    host = _text(value)
    if "@" in host:  # never repeated: before it may stand a password
        raise refused("holds an '@', so it is no host", "give username and password as keys of their own")
    if _NO_HOST.search(host) or (":" in host and not host.startswith("/") and not _is_ip(host)):
        raise refused(
            "is no host name, address or directory of a socket", "give port and database as keys of their own"
        )
    return host


def _is_ip(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def refused(message: str, fix: str) -> PydanticCustomError:
    """The error of a value that must not be repeated in a message."""
    return PydanticCustomError("refused", "{message}", {"message": message, "fix": fix})


def _redacted(table: Mapping[str, Any], info: SerializationInfo) -> Any:
    shown = redact_value("", table)
    return _for_json(shown) if info.mode_is_json() else shown


def _for_json(value: Any) -> Any:
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

DatabaseURLText = Annotated[
    DatabaseURL, PlainValidator(_database_url), PlainSerializer(str), WithJsonSchema({"type": "string"})
]
"""A database URL: prints with its password masked. Raises `InvalidDatabaseURLError` when it cannot be used."""

FilePath = Annotated[Path, PlainValidator(_path), PlainSerializer(str), WithJsonSchema({"type": "string"})]
"""A path; relative ones were made absolute by the loader (contract C3.12)."""

HostText = Annotated[str, PlainValidator(_host), WithJsonSchema({"type": "string"})]
"""A host's name or address, or the directory of its socket; several are separated by commas."""

FreeTable = Annotated[dict[str, Any], AfterValidator(dict), PlainSerializer(_redacted)]
"""A table whose keys belong to a driver or to SQLAlchemy; serialized with secrets masked."""
