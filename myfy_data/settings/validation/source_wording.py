"""How the source that says a value writes the fix: a file its lines, the environment its variables (contract C3.11)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from myfy_data.layers.fixes import assignment, beside, is_yaml, removal
from myfy_data.layers.key_spec import variable_for
from myfy_data.origins import Blame, KeyPath, Origin, format_key
from myfy_data.settings.models import FREE_TABLES, ProfileSettings
from myfy_data.settings.validation.fault import written_table


@dataclass(frozen=True, slots=True)
class SourceWording:
    """The words of one source for what mends a fault there.

    Attributes:
        profile: the profile's name.
        settings: its settings.
        blame: finds where a value is said, and under which key.
        origin: where the fault is told.
        said: the key there: an inherited value is its parent's.
    """

    profile: str
    settings: ProfileSettings
    blame: Blame
    origin: Origin
    said: KeyPath

    def removal(self, path: KeyPath) -> str:
        """What takes the key at `path` back, in the source that says it."""
        origin, said = self.blame(("profiles", self.profile, *path))
        if said[1] != self.profile:  # the parent's, which its other heirs may well need
            unset = assignment(origin, ("profiles", self.profile, "unset"), [format_key(path)])
            return f"in profile {self.profile}: {unset}"
        if len(path) > 1 and (origin.variable is None or not origin.variable.upper().endswith(_tail(path))):
            return f"delete {path[-1]}"  # the line may hold the whole table
        if origin != self.origin:
            return f"delete {format_key(said[2:])} at {origin}"
        return removal(origin)

    def assignment(self, path: KeyPath, value: object) -> str:
        """What gives the key at `path` this value: where it is said already, else beside the fault."""
        if path[0] in self.settings.model_fields_set and len(path) == 1:
            origin, said = self.blame(("profiles", self.profile, *path))
            return assignment(origin, said, value)
        full = (*self.said[:2], *path)
        table = written_table(self.settings, path)
        if not self._is_file:
            # Inside a free table, a variable's text is JSON.
            text = json.dumps(value) if path[0] in FREE_TABLES and isinstance(value, str) else value
            return beside(self.origin, full, text)
        line = beside(self.origin, full, value)
        if table and self.said[2 : 2 + len(table)] != table:
            return f"in {format_key(table)}: {self._below(path[len(table) :], line)}"
        return self._below(path[len(table) :], line)

    @property
    def _is_file(self) -> bool:
        return self.origin.line is not None and self.origin.variable is None

    def _below(self, keys: KeyPath, line: str) -> str:
        """A line that opens the tables above its key, which are not there yet."""
        if not is_yaml(self.origin):
            return f"{format_key(keys[:-1])}.{line}" if len(keys) > 1 else line
        for key in reversed(keys[:-1]):
            line = f"{key}: {{{line}}}"
        return line


def _tail(path: KeyPath) -> str:
    return variable_for(path).removeprefix("MYFY_DATA_")
