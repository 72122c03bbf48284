"""Answers about one key: its origin, and everybody who said something about it (contract C3.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.environment_name import FALLBACK, KEY
from myfy_data.layers.merge import MISSING, find
from myfy_data.layers.vocabulary import fold_name
from myfy_data.origins import DEFAULT, KeyPath, Origin, format_key, parse_key
from myfy_data.redaction import redact_at
from myfy_data.settings.models import FREE_TABLES, TABLE_MODELS, DatabaseSettings
from myfy_data.settings.vocabulary import ROOT_KEYS, VOCABULARY
from myfy_data.suggestions import nearest

if TYPE_CHECKING:
    from myfy_data.settings.merged import Merged
    from myfy_data.settings.root import DataSettings


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one layer said about a key.

    Attributes:
        key: the key, in full; another profile's where the value was inherited.
        origin: where it stands.
        value: what it says, secrets masked.
        wins: whether this is the value in force.
    """

    key: str
    origin: Origin
    value: Any
    wins: bool


def full_path(settings: DataSettings, key: str) -> KeyPath:
    """The full path of a key as people write it; flat keys mean the default profile.

    Raises:
        ConfigError: there is no such key.
    """
    merged = settings._merged  # noqa: SLF001 - these functions are the part of `DataSettings` that answers
    path = parse_key(key)
    if path[0] in ROOT_KEYS and len(path) == 1:
        return path
    if path[0] != "profiles":
        path = ("profiles", settings.resolve_name(), *path)
    if len(path) < 3:
        name = path[1] if len(path) > 1 else next(iter(settings.profiles), "main")
        raise _no_such_key(key, f"name a setting of a profile: profiles.{name}.pool_size")
    path = ("profiles", _declared(settings, merged, path[1]), *path[2:])
    if VOCABULARY.kind(path[2:]) is None:
        known = VOCABULARY.tables.get(path[2], VOCABULARY.profile) if len(path) > 3 else VOCABULARY.profile
        near = nearest(path[-1], known)
        if near is None:
            raise _no_such_key(key, "`config show` lists the keys")
        meant = format_key((*path[:-1], near))
        raise _no_such_key(key, f"write {meant} in its place", f". Did you mean {near!r}?")
    if len(path) > 3 and path[2] in FREE_TABLES and not _is_set(settings, merged, path):
        raise _no_such_key(key, f"the table {path[2]} has no such key; `config show` lists the keys")
    return path


def _declared(settings: DataSettings, merged: Merged | None, name: str) -> str:
    """The declared spelling of a name; templates have origins too."""
    known = (*settings.profiles, *(merged.abstract if merged else ()))
    return {fold_name(other): other for other in known}.get(fold_name(name)) or settings.resolve_name(name)


def _no_such_key(key: str, fix: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem("", key, f"no such setting{hint}", (), fix)])


def _is_set(settings: DataSettings, merged: Merged | None, path: KeyPath) -> bool:
    if merged is not None:
        return bool(merged.trace.survivors(path))
    return path[1] in settings.profiles and find(getattr(settings.profiles[path[1]], path[2]), path[3:]) is not MISSING


def origin(settings: DataSettings, merged: Merged | None, path: KeyPath) -> Origin:
    """Where the value at `path` came from."""
    if merged is not None:
        return merged.trace.origin(path)
    if path[0] != "profiles":
        return Origin("argument") if path[0] in settings.model_fields_set else DEFAULT
    profile = settings.profiles[path[1]]
    said = path[2] in profile.model_fields_set
    if said and len(path) > 3 and path[2] in TABLE_MODELS:
        said = path[3] in getattr(profile, path[2]).model_fields_set
    return Origin("argument") if said else DEFAULT


def explain(merged: Merged | None, path: KeyPath) -> list[Explanation]:
    """Everything that was said about `path`, the winner first, the default last."""
    rows = list(_said(merged, path)) if merged else []
    if rows and rows[-1].origin is DEFAULT:
        return rows
    default = redact_at(path, _default(path))
    return [*rows, Explanation(format_key(path), DEFAULT, default, wins=not any(row.wins for row in rows))]


def _said(merged: Merged, path: KeyPath) -> Iterator[Explanation]:
    leaves = merged.trace.survivors(path)
    said = merged.trace.everybody(path)
    won = [item for item in said if any(leaf.layer is item.layer and _holds(item.path, leaf.path) for leaf in leaves)]
    for item in (*won, *(item for item in said if item not in won)):
        # A template such as `${DB_PASSWORD}` is no secret, but nobody can tell it from one here.
        yield Explanation(format_key(item.path), item.origin, redact_at(item.path, item.value), wins=item in won)


def _holds(above: KeyPath, path: KeyPath) -> bool:
    return path[: len(above)] == above


def _default(path: KeyPath) -> Any:
    if path[0] != "profiles":
        return FALLBACK if path == KEY else None
    key, inner = path[2], path[3:]
    if not inner:
        return DatabaseSettings.model_fields[key].get_default(call_default_factory=True)
    model = TABLE_MODELS.get(key)  # a free table's keys have no default of ours
    return model.model_fields[inner[0]].get_default(call_default_factory=True) if model else None
