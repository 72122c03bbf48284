"""What is wrong with a profile and what mends it, from every origin: a file, a variable or code (contract C3.11)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from myfy_data.origins import KeyPath, format_key
from myfy_data.settings.models import ProfileSettings


@dataclass(frozen=True, slots=True)
class Repair:
    """The steps that mend a fault; all of them are needed.

    Attributes:
        from_url: names of options to take out of the URL's query.
        in_url: options to write in their place, as `name=value`.
        delete: keys to delete, below the profile.
        write: keys with the values to give them, below the profile.
        words: advice in words, in place of the steps.
    """

    from_url: tuple[str, ...] = ()
    in_url: tuple[str, ...] = ()
    delete: tuple[KeyPath, ...] = ()
    write: tuple[tuple[KeyPath, object], ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that cannot be, of one profile.

    Attributes:
        path: the key concerned, below the profile.
        message: what is wrong, without any secret value.
        repair: what mends it; followed to the letter, the profile has this fault no more.
    """

    path: KeyPath
    message: str
    repair: Repair


class Wording(Protocol):
    """How one source says that a key is deleted, or has a value."""

    def removal(self, path: KeyPath) -> str:
        """What takes the key at `path` back."""
        ...

    def assignment(self, path: KeyPath, value: object) -> str:
        """What gives the key at `path` this value."""
        ...


def fix_of(fault: Fault, wording: Wording) -> str:
    """The steps of a repair as one `fix:` line; further keys to write stand below it, a line each."""
    repair = fault.repair
    if repair.words:
        return repair.words
    steps = ", ".join(_steps(repair, wording))
    lines = [wording.assignment(path, value) for path, value in repair.write]
    if not steps:
        return _BELOW.join(lines)
    if not lines:
        return steps
    return f"{steps}, and write{':' if len(lines) == 1 else f' these:{_BELOW[:-1]}'} {_BELOW.join(lines)}"


_BELOW = "\n       "
"""What puts a further line under the first one, behind `fix:`."""


def joined(names: Sequence[str]) -> str:
    """Names as a sentence has them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _steps(repair: Repair, wording: Wording) -> Iterator[str]:
    if repair.from_url and repair.in_url:
        yield f"write {joined(repair.in_url)} in place of {joined(repair.from_url)} in the URL"
    elif repair.from_url:
        yield f"take {joined(repair.from_url)} out of the URL"
    yield from map(wording.removal, repair.delete)


@dataclass(frozen=True, slots=True)
class CodeWording:
    """How settings that were made in code are mended: in the words of a file, without a place."""

    settings: ProfileSettings
    at: KeyPath

    def removal(self, path: KeyPath) -> str:
        """What takes the key at `path` back."""
        return f"delete {path[-1]}"

    def assignment(self, path: KeyPath, value: object) -> str:
        """What gives the key at `path` this value."""
        table = written_table(self.settings, path)
        line = f"{format_key(path[len(table) :])} = {json.dumps(value, ensure_ascii=False)}"
        return line if not table or self.at[: len(table)] == table else f"in {format_key(table)}: {line}"


def written_table(settings: ProfileSettings, path: KeyPath) -> KeyPath:
    """The deepest table above `path` that holds something already: another line must not open it anew."""
    for length in range(len(path) - 1, 0, -1):
        table: object = settings
        for key in path[:length]:
            table = table.get(key) if isinstance(table, Mapping) else getattr(table, key, None)
        if (isinstance(table, Mapping) and table) or getattr(table, "model_fields_set", None):
            return path[:length]
    return ()
