"""What another tool allowed and an engine of ours refuses, mended by the rules' own repairs (contract C14.4, C16.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from myfy_data.cli.migrate.draft import Draft, Entry, ProfileDraft
from myfy_data.errors import ConfigError
from myfy_data.layers.interpolation import has_references
from myfy_data.origins import KeyPath, format_key, parse_key
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.fault import Fault
from myfy_data.settings.validation.rules import engine_faults, setting_faults
from myfy_data.settings.validation.timeouts import deadline_doubts

_REFERENCE = re.compile(r"\$\{\w+(?::[-?][^}]*)?\}")
_MOST_ROUNDS = 30
_URL: KeyPath = ("database_url",)


def mend(draft: Draft) -> None:
    """Make every profile one that loads; what has to go is noted."""
    for profile in list(draft.profiles.values()):
        for _ in range(_MOST_ROUNDS):
            if not _mend_once(draft, profile):
                break
        if not {_URL, ("driver",)} & profile.entries.keys():
            del draft.profiles[profile.name]


def _mend_once(draft: Draft, profile: ProfileDraft) -> bool:
    """Mend the first fault; whether there was one."""
    try:
        settings = DatabaseSettings(**_values(profile))
        url = settings.url
    except ConfigError as error:
        return _drop_refused(draft, profile, [parse_key(problem.key) for problem in error.problems], str(error))
    if _is_elsewhere(profile):
        return False  # which database it is will only be known there
    faults = [*setting_faults(settings, url), *engine_faults(settings, url)]
    if faults:
        _apply(draft, profile, faults[0])
        return True
    return _order_deadlines(draft, profile, settings)


def _order_deadlines(draft: Draft, profile: ProfileDraft, settings: DatabaseSettings) -> bool:
    """Shorten what would outlast a deadline that was carried over; whether there was one."""
    doubt = next(deadline_doubts(settings, settings.url.backend), None)
    if doubt is None:
        return False
    entry = _entry(profile, doubt.said(settings))
    place = entry.place if entry else "?"
    profile.entries[doubt.keys[0]] = Entry(doubt.value, place)
    draft.note(place, f"{doubt.message}; written as {format_key(doubt.keys[0])}")
    return True


def _is_elsewhere(profile: ProfileDraft) -> bool:
    url = profile.entries.get(_URL)
    return url is not None and "://" not in str(url.value)


def _values(profile: ProfileDraft) -> dict[str, object]:
    """The profile as a constructor takes it; references, whose values are not here, have stand-ins or are left out."""
    values: dict[str, Any] = {}
    for path, entry in profile.entries.items():
        value = entry.value
        if isinstance(value, str) and has_references(value):
            if path not in (_URL, ("driver",), ("username",), ("host",), ("database",)):
                continue
            value = _REFERENCE.sub("1", value)
            value = "sqlite://" if path == _URL and "://" not in value else value
        table = values
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
    return values


def _drop_refused(draft: Draft, profile: ProfileDraft, refused: list[KeyPath], text: str) -> bool:
    """Take back what no profile may say; a URL that cannot be used ends the profile."""
    known = [path for path in profile.entries if any(path[: len(key)] == key for key in refused)]
    for path in known or [_URL]:
        entry = profile.drop(path)
        if entry is not None:
            reason = text.splitlines()[0].partition(": ")[2] if path == _URL else "its value is none that the key takes"
            draft.note(entry.place, f"{format_key(path)} is to be carried over by hand: {reason}")
    return bool(known) or bool(refused)


def _apply(draft: Draft, profile: ProfileDraft, fault: Fault) -> None:
    entry = _entry(profile, fault.path)
    repair = fault.repair
    place = entry.place if entry else "?"
    for name in repair.from_url:
        _change_url(profile, name, repair.in_url)
    for path in repair.delete:
        _drop_below(profile, path)
    for path, value in repair.write:
        profile.entries[path] = Entry(value, place)
    if repair.words and not (repair.write or repair.delete or repair.from_url):
        for name in _named(fault) or [""]:
            _change_url(profile, name, ()) if name else _drop_below(profile, fault.path)
    told = ", ".join(format_key(path) for path, _ in repair.write)
    name = "" if fault.path == _URL else f"{fault.path[-1]} "
    draft.note(place, f"{name}{fault.message}{f'; written as {told}' if told else '; left out'}")


def _named(fault: Fault) -> list[str]:
    """The options of the URL that advice in words is about; none where it is about a key."""
    return re.findall(r"^([\w.-]+)(?=:| is| has)", fault.message) if fault.path == _URL else []


def _entry(profile: ProfileDraft, path: KeyPath) -> Entry | None:
    below = (entry for key, entry in profile.entries.items() if key[: len(path)] == path or path[: len(key)] == key)
    return next(below, None) or next(iter(profile.entries.values()), None)


def _drop_below(profile: ProfileDraft, path: KeyPath) -> None:
    for key in [key for key in profile.entries if key[: len(path)] == path]:
        profile.drop(key)
    if (
        len(path) > 1
        and isinstance(above := profile.entries.get(path[:-1]), Entry)
        and isinstance(above.value, Mapping)
    ):
        rest = {key: value for key, value in above.value.items() if key != path[-1]}
        profile.entries[path[:-1]] = Entry(rest, above.place)


def _change_url(profile: ProfileDraft, name: str, instead: Iterable[str]) -> None:
    """Take an option out of the URL, and put others in its place."""
    entry = profile.entries.get(_URL)
    if entry is None:
        return
    address, _, query = str(entry.value).partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] != name]
    kept += [pair for pair in instead if pair not in kept]
    profile.entries[_URL] = Entry(f"{address}?{'&'.join(kept)}" if kept else address, entry.place)
