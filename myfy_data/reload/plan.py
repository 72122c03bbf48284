"""What a new load of the configuration means for engines that are open: pure, nothing is opened (contract C12.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from myfy_data.origins import KeyPath, format_key
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.models import FILE_KEYS, TABLE_MODELS
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS
from myfy_data.settings.servers import has_several_servers

Effect = Literal["live", "swap", "restart"]

_LIVE = frozenset(
    {
        *("echo", "required", "warm_up", "pool_pre_ping", "pool_pre_ping_idle", "pool_leak_detection_threshold"),
        *("connect_timeout", "command_timeout", "statement_timeout", "close_timeout"),
        *("slow", "seeds", "cluster", "reads", "migrations"),
    }
)
_POOL = frozenset({"pool_size", "max_overflow", "pool_timeout", "pool_recycle"})
"""Keys of our own pool, which takes them in place; one of the user's is built anew."""

_READERS = ("reads", "hosts")
_ROOT = ("default", "environment", "secrets_dir")


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose value is another one.

    Attributes:
        path: the key.
        before: its value in force.
        found: its value in the configuration.
        effect: `live`: from the next use on; `swap`: with a new engine; `restart`: when the application starts again.
    """

    path: KeyPath
    before: Any
    found: Any
    effect: Effect

    @property
    def key(self) -> str:
        """The key as people write it."""
        return format_key(self.path)


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """What a reload does.

    Attributes:
        settings: the settings to use from now on: those that were found, without what has to wait for a restart.
        changes: every key whose value is another one.
        swapped: profiles that get a new engine.
        appeared: profiles that may be opened from now on.
        vanished: profiles that may not be opened any more.
    """

    settings: DataSettings
    changes: tuple[Change, ...]
    swapped: tuple[str, ...]
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the configuration says what is in force."""
        return not (self.changes or self.appeared or self.vanished)


def plan_reload(before: DataSettings, found: DataSettings, *, migrates: bool) -> ReloadPlan:
    """Compare two loads.

    Args:
        before: the settings in force.
        found: what the configuration says now.
        migrates: whether the module runs or checks migrations when it starts, so that their settings wait for that.
    """
    old, new = _active(before), _active(found)
    stays = {name: list(_of_profile(name, old[name], new[name], migrates=migrates)) for name in new if name in old}
    profiles = {
        name: _without(profile, before.profiles[name], stays[name]) if name in stays else profile
        for name, profile in found.profiles.items()
    }
    root = list(_of_root(before, found))
    kept = {change.path[0]: getattr(before, change.path[0]) for change in root if change.effect == "restart"}
    changes = (*root, *(change for each in stays.values() for change in each))
    return ReloadPlan(
        settings=found.model_copy(update={**kept, "profiles": profiles}),
        changes=changes,
        swapped=tuple(name for name, each in stays.items() if any(change.effect == "swap" for change in each)),
        appeared=tuple(name for name in new if name not in old),
        vanished=tuple(name for name in old if name not in new),
    )


def _active(settings: DataSettings) -> dict[str, DatabaseSettings]:
    return {name: profile for name, profile in settings.profiles.items() if profile.active}


def _of_root(before: DataSettings, found: DataSettings) -> Iterator[Change]:
    for key in _ROOT:
        if getattr(before, key) != getattr(found, key):
            yield Change((key,), getattr(before, key), getattr(found, key), "restart")
    for key in ROOT_TABLE_MODELS:
        for path, old, new in _different((key,), getattr(before, key), getattr(found, key)):
            yield Change(path, old, new, "restart" if key == "reload" else "live")


def _of_profile(name: str, before: DatabaseSettings, found: DatabaseSettings, *, migrates: bool) -> Iterator[Change]:
    for key in sorted(FILE_KEYS):
        for path, old, new in _different(("profiles", name, key), getattr(before, key), getattr(found, key)):
            yield Change(path, old, new, _effect(path[2:], before, found, migrates=migrates))


def _different(path: KeyPath, before: object, found: object) -> Iterator[tuple[KeyPath, object, object]]:
    """Keys whose values differ; of a table of ours, each of its keys."""
    if before == found:
        return
    if isinstance(before, BaseModel):
        for key in type(before).model_fields:
            yield from _different((*path, key), getattr(before, key), getattr(found, key))
    else:
        yield path, before, found


def _effect(path: KeyPath, before: DatabaseSettings, found: DatabaseSettings, *, migrates: bool) -> Effect:
    if path[0] == "migrations" and migrates:
        return "restart"
    # A server alone has another engine than several.
    is_possible = path[:2] != _READERS or (has_several_servers(before) and has_several_servers(found))
    if is_possible and (path[0] in _LIVE or (path[0] in _POOL and _has_own_pool(before))):
        return "live"
    # A new engine would be another database, and an empty one.
    return "restart" if before.has_address and before.url.is_memory else "swap"


def _has_own_pool(settings: DatabaseSettings) -> bool:
    return "poolclass" not in settings.engine_options


def _without(found: DatabaseSettings, before: DatabaseSettings, changes: list[Change]) -> DatabaseSettings:
    """The settings that were found, and the old values of keys that wait for a restart."""
    kept: dict[str, Any] = {}
    for change in changes:
        if change.effect == "restart":
            kept[change.path[2]] = getattr(before, change.path[2])
    return found.model_copy(update=kept) if kept else found


assert _LIVE & TABLE_MODELS.keys() == TABLE_MODELS.keys() - {"sqlite"}  # noqa: S101 - a further table needs a decision
