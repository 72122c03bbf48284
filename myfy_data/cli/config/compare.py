"""Two environments beside each other: what `config diff` renders (contract C14.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from myfy_data.layers.interpolation import as_written, is_only_references
from myfy_data.origins import KeyPath
from myfy_data.redaction import Secret, looks_secret, redact_at
from myfy_data.settings.effective import Row, effective_rows, key_text

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings

SET, MISSING, SAME, DIFFERENT = "set", "missing", "same", "different"
"""What is told of a secret."""

_PASSWORD_REFERENCE = re.compile(r":(\$\{\w+\})@")
_OF_THE_ADDRESS = ("driver", "tls")
"""Values that follow from the address; unknown where that is on another machine."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one environment.

    Attributes:
        value: the value, secrets masked; a reference to what is on another machine as it is written.
        place: where it stands.
        secret: the secret itself, for comparing; None where the key holds none, or it is not here.
    """

    value: Any
    place: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """One key with its value in each environment; None where it is not set.

    Attributes:
        path: the key's full path.
        left: the first environment's value.
        right: the second's.
        left_place: where it stands; None where there is no such key.
        right_place: as `left_place`.
    """

    path: KeyPath
    left: Any
    right: Any
    left_place: str | None
    right_place: str | None

    @property
    def is_same(self) -> bool:
        """Whether this only tells of a secret that is the same in both: it cannot be shown, so it is told."""
        return (self.left, self.right) == (SAME, SAME)

    def as_json(self) -> dict[str, object]:
        """The difference as `--json` gives it."""
        return {
            "key": key_text(self.path),
            "left": self.left,
            "right": self.right,
            "left_place": self.left_place,
            "right_place": self.right_place,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two environments differ in.

    Attributes:
        differences: every key that differs, and every secret that both give.
        equal: how many other keys have one value in both.
    """

    differences: list[Difference]
    equal: int

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return all(difference.is_same for difference in self.differences)


def compare(left: DataSettings, right: DataSettings) -> Comparison:
    """Compare what would be loaded in two environments; the environment's name itself is no difference."""
    sides = dict(_cells(left)), dict(_cells(right))
    unknown = _unknown(left) | _unknown(right)
    paths = [path for path in dict.fromkeys([*sides[0], *sides[1]]) if path not in unknown]
    found = [_difference(path, *(side.get(path) for side in sides)) for path in _in_order(paths)]
    differences = [difference for difference in found if difference is not None]
    return Comparison(differences, len(found) - len(differences))


def _in_order(paths: list[KeyPath]) -> list[KeyPath]:
    """Profile by profile, the keys of one beside each other."""
    profiles = list(dict.fromkeys(path[1] for path in paths if path[0] == "profiles"))
    return sorted(paths, key=lambda path: profiles.index(path[1]) if path[0] == "profiles" else -1)


def _difference(path: KeyPath, left: Cell | None, right: Cell | None) -> Difference | None:
    is_secret = any(map(looks_secret, path[2:]))
    plain = [None if cell is None else cell.value for cell in (left, right)]
    values: Sequence[object] = _told(left, right) if is_secret else plain
    if values[0] == values[1] and not (is_secret and values[0] in (SAME, DIFFERENT)):
        return None
    left_place, right_place = (None if cell is None else cell.place for cell in (left, right))
    return Difference(path, values[0], values[1], left_place, right_place)


def _told(left: Cell | None, right: Cell | None) -> Sequence[object]:
    """What is told of a secret on either side, never the secret itself."""
    there = [cell is not None and cell.value is not None for cell in (left, right)]
    if not any(there):
        return [None, None]
    if left and right and left.secret is not None and right.secret is not None:
        word = SAME if left.secret == right.secret else DIFFERENT
        return [word, word]
    return [_shown(cell) for cell in (left, right)]


def _shown(cell: Cell | None) -> object:
    if cell is None or cell.value is None:
        return MISSING
    return SET if cell.secret is not None else cell.value


def _cells(settings: DataSettings) -> Iterator[tuple[KeyPath, Cell]]:
    kept = settings.kept
    for row in effective_rows(settings):
        if row.path == ("environment",):
            continue
        yield row.path, _cell(settings, row, kept)
    for path, said in kept.items():  # what no stand-in has a row for, such as a key of a free table
        yield path, Cell(_as_written(path, said), str(settings.origin_at(path)))
    for name in settings.profiles:
        password = _password_of_url(settings, name)
        if password is not None:
            yield ("profiles", name, "password"), password


def _cell(settings: DataSettings, row: Row, kept: Mapping[KeyPath, object]) -> Cell:
    place = str(row.origin)
    if row.path in kept:
        return Cell(_as_written(row.path, kept[row.path]), place)
    secret = _revealed(settings, row.path) if any(map(looks_secret, row.path[2:])) else None
    return Cell(row.value, place, secret)


def _as_written(path: KeyPath, said: object) -> object:
    """A value with its references, and nothing that is secret beside them."""
    if isinstance(said, list):
        return [_as_written(path, item) for item in said]
    if not isinstance(said, str):
        return redact_at(path, said)
    text = as_written(said)
    if any(map(looks_secret, path[2:])):
        return text if is_only_references(said) else SET
    password = _PASSWORD_REFERENCE.search(text)
    if password is None:
        return text if is_only_references(said) else redact_at(path, text)
    shown = str(redact_at(path, text.replace(password[0], "@", 1)))
    return shown.replace("@", password[0], 1)


def _unknown(settings: DataSettings) -> set[KeyPath]:
    """Keys whose value follows from an address that is wholly on another machine."""
    profiles = [
        path[:2]
        for path, said in settings.kept.items()
        if path[2:] in (("database_url",), ("driver",)) and "://" not in str(said)
    ]
    return {(*path, key) for path in profiles for key in _OF_THE_ADDRESS if (*path, key) not in settings.kept}


def _password_of_url(settings: DataSettings, name: str) -> Cell | None:
    """The password in a profile's URL; None where it has none, or another key gives one."""
    path, profile = ("profiles", name, "database_url"), settings.profiles[name]
    keys = (("profiles", name, key) for key in ("password", "password_file"))
    if any(key in settings.kept for key in keys) or profile.password is not None or profile.password_file is not None:
        return None
    place = str(settings.origin_at(path))
    if path in settings.kept:
        said = as_written(str(settings.kept[path]))
        found = _PASSWORD_REFERENCE.search(said)
        if found is not None or is_only_references(said):
            return Cell(found[1] if found else said, place)
        return None
    password = profile.url.password
    return None if password is None else Cell(SET, place, password.reveal())


def _revealed(settings: DataSettings, path: KeyPath) -> str | None:
    value: Any = settings
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
    if isinstance(value, Secret):
        return value.reveal()
    return None if value is None or isinstance(value, BaseModel) else repr(value)
