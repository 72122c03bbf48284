"""The values in force, each with its origin, secrets masked: what `config show` and the dev page render."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from myfy_data.origins import DEFAULT, KeyPath, Origin
from myfy_data.redaction import MASK, Shown, looks_secret, redact_value
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.key_spec import KEY_SPEC, ROOT_KEYS
from myfy_data.settings.models import FREE_TABLES, TABLE_MODELS

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings

_BARE = re.compile(r"[\w-]+")
_PLAIN = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\"](?:[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?")


@dataclass(frozen=True, slots=True)
class Row:
    """One value in force.

    Attributes:
        path: the full path of the key.
        value: the value, secrets masked; None where nothing is set and there is no default.
        origin: where it comes from.
        derived_from: the key that it follows from; empty for a value that was said or is a default.
    """

    path: KeyPath
    value: Any
    origin: Origin
    derived_from: str = ""

    @property
    def key(self) -> str:
        """The full key as text; a part that is no bare word is quoted."""
        return key_text(self.path)

    @property
    def is_default(self) -> bool:
        """Whether no layer had a part in it."""
        return self.origin == DEFAULT

    def as_json(self) -> dict[str, object]:
        """The row as `config show --json` gives it (contract C7)."""
        origin = self.origin
        return {
            "key": self.key,
            "value": self.value,
            "source": "derived" if self.derived_from else origin.source,
            "file": file_of(origin),
            "line": origin.line,
            "column": origin.column,
            "variable": origin.variable,
        }


def effective_rows(settings: DataSettings, profile: str | None = None) -> list[Row]:
    """Every key with the value in force.

    Args:
        settings: the loaded settings.
        profile: only this profile's keys; all keys when None.

    Raises:
        UnknownProfileError: there is no such profile.
    """
    if profile is not None:
        return list(_profile_rows(settings, settings.resolve_name(profile)))
    rows = [row for key in ROOT_KEYS for row in _table_rows(settings, (key,), getattr(settings, key))]
    return rows + [row for name in settings.profiles for row in _profile_rows(settings, name)]


def file_of(origin: Origin) -> str | None:
    """The file to open, where the origin is one."""
    if origin.line is not None:
        return origin.source
    return origin.source.removeprefix("secret file ") if origin.source.startswith("secret file ") else None


def written(value: object) -> str:
    """A value as one line of text; quoted only where it could be taken for something else."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    return value.model_dump() if isinstance(value, BaseModel) else str(value)


def key_text(path: KeyPath) -> str:
    """A key path as text; parts with dots or blanks are quoted, as in TOML."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in path)


def is_required(settings: DataSettings, name: str) -> bool:
    """Whether a profile's failure stops start-up: by default only the default profile's does (contract C2)."""
    required = settings.profiles[name].required
    return name == settings.default if required is None else required


def _profile_rows(settings: DataSettings, name: str) -> Iterator[Row]:
    profile = settings.profiles[name]
    derived = dict(_derived(settings, name, profile))
    for key in KEY_SPEC.profile:
        path = ("profiles", name, key)
        if key in derived:
            yield derived[key]
        elif key in FREE_TABLES or key in TABLE_MODELS:
            yield from _table_rows(settings, path, getattr(profile, key))
        else:
            yield _row(settings, path, getattr(profile, key))


def _table_rows(settings: DataSettings, path: KeyPath, table: object) -> Iterator[Row]:
    """The leaves of a table; an empty one stands for itself."""
    if isinstance(table, BaseModel):
        table = {key: getattr(table, key) for key in type(table).model_fields}
    if isinstance(table, Mapping) and table:
        for key, value in table.items():
            yield from _table_rows(settings, (*path, str(key)), value)
    else:
        yield _row(settings, path, table)


def _derived(settings: DataSettings, name: str, profile: DatabaseSettings) -> Iterator[tuple[str, Row]]:
    """Values that follow from others: the full driver of a short name, TLS, whether the profile is required."""
    url = profile.url
    source = "driver" if profile.driver is not None else "database_url"
    origin = settings.origin_at(("profiles", name, source))
    if url.derived:
        yield "driver", Row(("profiles", name, "driver"), url.driver, origin, source)
    if profile.tls is None and url.backend != "sqlite":
        path = ("profiles", name, "tls")
        asked = Row(path, profile.tls_mode, origin, source)
        yield "tls", asked if url.tls else Row(path, profile.tls_mode, DEFAULT)
    if profile.required is None:
        yield "required", Row(("profiles", name, "required"), is_required(settings, name), DEFAULT)


def _row(settings: DataSettings, path: KeyPath, value: object) -> Row:
    return Row(path, _printable(path, value), settings.origin_at(path))


def _printable(path: KeyPath, value: object) -> object:
    if isinstance(value, Shown):
        return str(value)
    if value is not None and any(looks_secret(part) for part in path[2:]):
        return MASK
    return str(value) if isinstance(value, Path) else redact_value(path[-1], value)
