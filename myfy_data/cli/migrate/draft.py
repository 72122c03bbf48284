"""What was found in another tool's configuration: profiles with a place for each value, and what needs a hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from myfy_data.layers.interpolation import as_written, is_only_references
from myfy_data.layers.key_spec import MAX_NAME, is_profile_name
from myfy_data.origins import KeyPath, format_key
from myfy_data.redaction import looks_secret, redact_text

MAIN = "main"
"""The profile of a source that knows one database, or does not name its first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a profile.

    Attributes:
        value: as TOML writes it; text may hold references.
        place: `FILE:LINE` of where it came from.
    """

    value: Any
    place: str


@dataclass(slots=True)
class ProfileDraft:
    """One database as it was found: its keys, each with its place."""

    name: str
    entries: dict[KeyPath, Entry] = field(default_factory=dict)

    def put(self, path: KeyPath | str, value: object, place: str) -> None:
        """Set a key; the first place that says it is the one that holds."""
        path = (path,) if isinstance(path, str) else path
        if value is not None:
            self.entries.setdefault(path, Entry(value, place))

    def drop(self, path: KeyPath) -> Entry | None:
        """Take a key back."""
        return self.entries.pop(path, None)


@dataclass(slots=True)
class Draft:
    """A whole source.

    Attributes:
        profiles: by name, in the order of the source.
        notes: what was not carried over, or is to be done by hand; each with its place, none with a secret.
        secrets: variables that have to be set, each with the place of the secret.
    """

    profiles: dict[str, ProfileDraft] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def profile(self, name: str) -> ProfileDraft:
        """The profile of this name, made where it is new; the name is fitted to what a profile may be called."""
        name = profile_name(name)
        return self.profiles.setdefault(name, ProfileDraft(name))

    def note(self, place: str, text: str) -> None:
        """Tell of something that is not carried over."""
        line = redact_text(f"{place}: {text}")
        if line not in self.notes:
            self.notes.append(line)

    def put_secret(self, profile: ProfileDraft, path: KeyPath, value: object, place: str) -> None:
        """Set a key that holds a secret: a reference as it is, a literal as a variable that is to be set."""
        text = as_written(str(value))
        if is_only_references(text):
            profile.put(path, text, place)
            return
        name = secret_name(profile.name, path)
        profile.put(path, f"${{{name}}}", place)
        self.secrets.setdefault(name, place)

    def set_secrets(self) -> Iterator[str]:
        """What is to be done about the secrets that were literals."""
        for name, place in self.secrets.items():
            yield f"{place}: the secret itself is not carried over: set {name} to it, in the process or in .env"


def secret_name(profile: str, path: KeyPath) -> str:
    """The variable for a secret that stood in another file as text."""
    owner = "DATABASE" if profile in (MAIN, "default") else profile.replace("-", "_").upper()
    return f"{owner}_{re.sub(r'[^A-Z0-9]+', '_', format_key(path).upper()).strip('_')}"


def profile_name(text: str) -> str:
    """What a profile is called after another tool's name for it."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    name = "-".join(words).lstrip("0123456789-")[:MAX_NAME].rstrip("-")
    return name if is_profile_name(name) else MAIN


def is_secret(path: KeyPath) -> bool:
    """Whether the key probably holds a secret."""
    return any(map(looks_secret, path))
