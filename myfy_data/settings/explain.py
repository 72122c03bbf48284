"""Answers about one key: its origin, and every layer that sets it (contract C3.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.environment_name import FALLBACK, KEY
from myfy_data.layers.key_spec import fold_name
from myfy_data.layers.merge import MISSING, find
from myfy_data.origins import DEFAULT, KeyPath, Origin, format_key, parse_key
from myfy_data.redaction import redact_at
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.key_spec import KEY_SPEC, ROOT_KEYS
from myfy_data.settings.models import FREE_TABLES, TABLE_MODELS
from myfy_data.settings.provenance import Provenance
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS
from myfy_data.suggestions import nearest


class Profiles(Protocol):
    """What the settings tell of their profiles here."""

    @property
    def profiles(self) -> Mapping[str, DatabaseSettings]:
        """The named databases."""
        ...

    @property
    def model_fields_set(self) -> set[str]:
        """The root keys that were given."""
        ...

    def resolve_name(self, name: str | None = None) -> str:
        """The declared spelling of a profile's name; the default profile's when none is given."""
        ...


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


def full_path(settings: Profiles, provenance: Provenance | None, key: str) -> KeyPath:
    """The full path of a key as people write it; flat keys mean the default profile.

    Raises:
        ConfigError: there is no such key.
    """
    path = parse_key(key)
    if path[0] in ROOT_KEYS:
        return _root_path(key, path)
    if path[0] != "profiles":
        _refuse_bare_profile(settings, key, path)
        path = ("profiles", settings.resolve_name(), *path)
    if len(path) < 3:
        name = path[1] if len(path) > 1 else next(iter(settings.profiles), "main")
        raise _meant(key, ("profiles", name, "pool_size"))
    path = ("profiles", _declared(settings, provenance, path[1]), *path[2:])
    if KEY_SPEC.kind(path[2:]) is None:
        # Below what is no table, the last word is the key, and what stands before it is nothing.
        table = path[:3] if len(path) > 3 and path[2] in KEY_SPEC.tables else path[:2]
        near = nearest(path[-1], KEY_SPEC.tables[path[2]] if len(table) > 2 else KEY_SPEC.profile)
        if near is None:
            raise _no_such_key(key, _LISTED)
        raise _meant(key, (*table, near), f". Did you mean {near!r}?")
    if len(path) > 3 and path[2] in FREE_TABLES and not _is_set(settings, provenance, path):
        raise _no_such_key(key, _LISTED, f" in the table {path[2]}")
    return path


def _root_path(key: str, path: KeyPath) -> KeyPath:
    if KEY_SPEC.root_kind(path) is not None:
        return path
    near = nearest(path[-1], KEY_SPEC.root_tables.get(path[0], {}))
    raise _no_such_key(key, _LISTED) if near is None else _meant(key, (path[0], near), f". Did you mean {near!r}?")


def _refuse_bare_profile(settings: Profiles, key: str, path: KeyPath) -> None:
    """Refuse `analytics.pool_size`: profiles stand below `profiles`, in the files as well."""
    if path[0] == "profile":
        raise _meant(key, ("profiles", *path[1:]))
    if path[0] in KEY_SPEC.profile:
        return
    declared = {fold_name(name): name for name in settings.profiles}
    if name := declared.get(fold_name(path[0])):
        raise _meant(key, ("profiles", name, *(path[1:] or ("pool_size",))))
    # The words behind it tell that a profile is meant; one word alone may be a misspelt key.
    if len(path) > 1 and path[0] not in KEY_SPEC.tables and (near := nearest(path[0], settings.profiles)):
        raise _meant(key, ("profiles", near, *path[1:]), f". Did you mean {near!r}?")


def _declared(settings: Profiles, provenance: Provenance | None, name: str) -> str:
    """The declared spelling of a name; templates have origins too."""
    known = (*settings.profiles, *(provenance.abstract if provenance else ()))
    return {fold_name(other): other for other in known}.get(fold_name(name)) or settings.resolve_name(name)


_LISTED = "myfy-data config show"


def _meant(key: str, path: KeyPath, hint: str = "") -> ConfigError:
    return _no_such_key(key, f"write {format_key(path)} in its place", hint)


def _no_such_key(key: str, fix: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem("", key, f"no such setting{hint}", (), fix)])


def _is_set(settings: Profiles, provenance: Provenance | None, path: KeyPath) -> bool:
    if provenance is not None:
        return bool(provenance.origins.survivors(path))
    return path[1] in settings.profiles and find(getattr(settings.profiles[path[1]], path[2]), path[3:]) is not MISSING


def origin(settings: Profiles, provenance: Provenance | None, path: KeyPath) -> Origin:
    """Where the value at `path` came from."""
    if provenance is not None:
        return provenance.origins.origin(path)
    if path[0] != "profiles":
        said = path[0] in settings.model_fields_set
        if said and len(path) > 1:
            said = path[1] in getattr(settings, path[0]).model_fields_set
        return Origin("argument") if said else DEFAULT
    profile = settings.profiles[path[1]]
    said = path[2] in profile.model_fields_set
    if said and len(path) > 3 and path[2] in TABLE_MODELS:
        said = path[3] in getattr(profile, path[2]).model_fields_set
    return Origin("argument") if said else DEFAULT


def explain(provenance: Provenance | None, path: KeyPath) -> list[Explanation]:
    """Everything that was said about `path`, the winner first, the default last."""
    rows = list(_said(provenance, path)) if provenance else []
    if rows and rows[-1].origin is DEFAULT:
        return rows
    default = redact_at(path, _default(path))
    return [*rows, Explanation(format_key(path), DEFAULT, default, wins=not any(row.wins for row in rows))]


def _said(provenance: Provenance, path: KeyPath) -> Iterator[Explanation]:
    leaves = provenance.origins.survivors(path)
    said = provenance.origins.all_said(path)
    won = [item for item in said if any(leaf.layer is item.layer and _holds(item.path, leaf.path) for leaf in leaves)]
    for item in (*won, *(item for item in said if item not in won)):
        # A template such as `${DB_PASSWORD}` is no secret, but cannot be told from one here.
        yield Explanation(format_key(item.path), item.origin, redact_at(item.path, item.value), wins=item in won)


def _holds(above: KeyPath, path: KeyPath) -> bool:
    return path[: len(above)] == above


def _default(path: KeyPath) -> object:
    if path[0] != "profiles":
        return FALLBACK if path == KEY else _root_default(path)
    key, inner = path[2], path[3:]
    if not inner:
        return DatabaseSettings.model_fields[key].get_default(call_default_factory=True)
    model = TABLE_MODELS.get(key)  # a free table's keys have no default of ours
    return model.model_fields[inner[0]].get_default(call_default_factory=True) if model else None


def _root_default(path: KeyPath) -> object:
    model = ROOT_TABLE_MODELS.get(path[0])
    return model.model_fields[path[1]].get_default() if model and len(path) > 1 else None
