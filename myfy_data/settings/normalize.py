"""Settling a merged profile: references resolved, text parsed, paths made absolute (contract C3.7, C3.12).

Works on surviving values only: a base file may mention a variable that one deployment lacks, if an overlay
covers it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myfy_data.layers.fixes import beside
from myfy_data.layers.interpolation import (
    InterpolationError,
    has_references,
    interpolate,
    mentioned,
    references,
    unresolved,
)
from myfy_data.layers.key_spec import Kind
from myfy_data.layers.layer import Findings, Tree
from myfy_data.layers.variables.coercion import TextError, Verbatim, read_secret_text, read_text
from myfy_data.origins import Blame, KeyPath
from myfy_data.redaction import DatabaseURL
from myfy_data.settings.key_spec import KEY_SPEC
from myfy_data.settings.models import IDENTITY_KEYS, PATH_KEYS, STRUCTURE_KEYS
from myfy_data.settings.types import is_content, placed

_PLACED = PATH_KEYS | {"database_url", "directory", "credentials"}
"""Keys whose text may be relative to a directory."""

_UNTOUCHED = frozenset({int, bool, float})

_DROPPED: Any = object()
"""Stands for a value that is left out: empty text for a tuning key, or one whose problem was noted."""


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Settles profiles.

    Attributes:
        variables: what `${NAME}` is looked up in; never printed.
        base_dir: what relative paths of files are relative to.
        blame: finds where a value of the merged tree is said; called for messages only.
        findings: where problems go.
        kept: grows by the path of each value whose variable is not set here; None where that is a problem.
    """

    variables: Mapping[str, str]
    base_dir: Path | None
    blame: Blame
    findings: Findings
    kept: set[KeyPath] | None = None

    def normalize(self, name: str, table: Tree) -> Tree:
        """The profile's table as the models take it: no reference, no structure key, absolute paths."""
        settled = self._table(("profiles", name), table)
        for key in STRUCTURE_KEYS:
            settled.pop(key, None)
        if "database" in settled:
            self._place_sqlite_file(settled, table)
        return settled

    def normalize_root(self, key: str, table: Tree) -> Tree:
        """A table beside the profiles as its model takes it."""
        return self._table((key,), table)

    def _table(self, path: KeyPath, table: Tree) -> Tree:
        settled = dict(table)
        for key, value in table.items():  # the hot path of a load: most values stay as they are
            kind = type(value)
            if (key not in _PLACED and "${" not in value) if kind is str else kind in _UNTOUCHED:
                continue
            result = self._text((*path, key), value) if kind is str else self._value((*path, key), value)
            if result is _DROPPED:
                del settled[key]
            else:
                settled[key] = result
        return settled

    def _value(self, path: KeyPath, value: object) -> object:
        if isinstance(value, str):
            return self._text(path, value)
        if isinstance(value, dict):
            return self._table(path, value)
        if isinstance(value, list):
            # One reference may stand for several items of a list.
            items = [item if isinstance(item, list) else [item] for item in (self._value(path, one) for one in value)]
            return [item for several in items for item in several if item is not _DROPPED]
        return value

    def _text(self, path: KeyPath, said: str) -> object:
        base_dir = self.base_dir
        value: Any = said
        if type(said) is Verbatim:
            base_dir, value = said.base_dir, str(said)
        elif has_references(said):
            is_kept = self.kept is not None and bool(unresolved(said, self.variables.get))
            value = self._stand_in(path, said) if is_kept else self._interpolated(path, said)
        if not isinstance(value, str):
            return value
        if path[-1] == "database_url" and len(path) == 3:
            return DatabaseURL(value, base_dir)
        if path[2:] == ("credentials",):
            return placed(value, base_dir)
        if path[-1] in PATH_KEYS and len(path) == 3:
            return _absolute(value, base_dir)
        return _absolute(value, base_dir) if path[2:] == ("migrations", "directory") else value

    def _stand_in(self, path: KeyPath, said: str) -> object:
        """What a load can go on with where the value is on another machine; an address has to be some address."""
        assert self.kept is not None  # noqa: S101 - asked for by `_text` only then
        self.kept.add(path)
        if path[2:] == ("database_url",):
            text = interpolate(said, lambda name: self.variables.get(name) or "1")
            return text if "://" in text else "sqlite://"
        return "sqlite" if path[2:] == ("driver",) else _DROPPED

    def _interpolated(self, path: KeyPath, value: str) -> object:
        try:
            text = interpolate(value, self.variables.get, is_url=path[-1] == "database_url")
        except InterpolationError as error:
            origin, said = self.blame(path)
            fix = error.fix
            if error.beside:
                fix += beside(origin, (*said[:-1], error.beside[0]), error.beside[1])
            self.findings.problem(origin, said, error.message, fix=fix)
            return _DROPPED
        if not text.strip():
            return self._empty(path, text, value)
        return self._parsed(path, text, value)

    def _empty(self, path: KeyPath, text: str, raw: str) -> object:
        """Empty text, as from a variable: never another database in silence, never a setting of nothing."""
        is_identity = path[0] == "profiles" and path[2] in IDENTITY_KEYS
        if KEY_SPEC.kind_at(path) is Kind.JSON_VALUE and not is_identity:
            return text
        origin, said = self.blame(path)
        fix = f"set {' and '.join(references(raw))}" if references(raw) else "delete this line"
        if is_identity:
            self.findings.problem(origin, said, "is empty once its references are resolved", fix=fix)
        else:
            message = "is empty once its references are resolved, and was ignored"
            self.findings.warning(origin, said, message, fix=fix)
        return _DROPPED

    def _parsed(self, path: KeyPath, text: str, raw: str) -> object:
        kind = KEY_SPEC.kind_at(path)
        if kind is None or kind is Kind.JSON_VALUE:
            return text  # inside a free table the type is the driver's matter
        try:
            return read_secret_text(text) if path[-1] == "password" else read_text(kind, text)
        except TextError as error:
            origin, said = self.blame(path)
            message = f"expected {error.expected}, got what {mentioned(raw)} stands for"
            fix = f"set {' and '.join(references(raw))} to {error.expected}"
            self.findings.problem(origin, said, message, fix=fix)
            return _DROPPED

    def _place_sqlite_file(self, settled: Tree, table: Tree) -> None:
        """A SQLite file given as a part has no URL to carry its base directory, so it is made absolute here."""
        database, url = settled["database"], settled.get("database_url")
        driver = url.reveal() if isinstance(url, DatabaseURL) else settled.get("driver")
        is_path = isinstance(database, str) and not database.startswith("file:") and database not in ("", ":memory:")
        if is_path and str(driver).startswith("sqlite"):
            raw = table["database"]
            settled["database"] = str(_absolute(database, raw.base_dir if type(raw) is Verbatim else self.base_dir))


def _absolute(text: str, base_dir: Path | None) -> Path | str:
    if is_content(text):
        return text  # refused where paths are read; as a path it would stand in messages
    path = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises for an unknown user
    return base_dir / path if base_dir is not None else Path(path)
