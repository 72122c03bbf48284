"""What the readers of TOML and YAML share: places, limits, and the error that carries their problems."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from myfy_data.errors import Problem
from myfy_data.origins import KeyPath, format_key
from myfy_data.redaction import MASK

Place = tuple[int, int]
"""Line and column, both from 1, the column in characters."""

Locate = Callable[[KeyPath], "Place | None"]
"""Where the key at a path stands; None where no key stands at it."""

MOST_PROBLEMS = 50
"""More than this from one file would bury the first one."""

_KEY_NAME = re.compile(r"[\w.<-]{1,63}")

Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may hold at most (contract C3.9).

    Attributes:
        size: bytes.
        depth: tables and lists inside each other, the root included.
        values: values of every kind, each alias counted with all that it stands for.
    """

    size: int = 4 * 1024 * 1024
    depth: int = 64
    values: int = 200_000


DEFAULT_LIMITS = Limits()


class TooManyValuesError(ValueError):
    """A tree holds more values than allowed."""


class LayerSyntaxError(Exception):
    """A file that cannot be used as a layer.

    Attributes:
        problems: what is wrong with it, in the order of the file; never quotes a line of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Places(dict[str | int, Mark], Generic[Mark]):
    """The marks of one table's keys or one list's items; `inner` leads on to the tables and lists in it."""

    __slots__ = ("inner",)

    def __init__(self) -> None:
        self.inner: dict[str | int, Self] = {}

    def find(self, path: KeyPath) -> Mark | None:
        """The mark of the key at `path`; list items are numbers, so no key path leads through a list."""
        table: Places[Mark] | None = self
        for name in path[:-1]:
            table = table.inner.get(name) if table is not None else None
        return table.get(path[-1]) if table is not None and path else None


class Lines:
    """Turns offsets into places; `breaks` says what ends a line."""

    __slots__ = ("_starts",)

    def __init__(self, text: str, breaks: str = "\n") -> None:
        self._starts = [0, *(found.end() for found in re.finditer(breaks, text))]

    def place(self, offset: int) -> Place:
        """The place of the character at `offset`."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def spot(name: str, place: Place | None) -> str:
    """A place as people read it and editors open it: `myfy.toml:4:1`."""
    return name if place is None else f"{name}:{place[0]}:{place[1]}"


def shown(path: Sequence[object]) -> str:
    """A key path for a message. A name that no setting could have is masked: in a broken file it may be a secret."""
    return format_key(tuple(str(part) if _KEY_NAME.fullmatch(str(part)) else MASK for part in path))


def too_deep(place: str, limits: Limits) -> Problem:
    """The problem of a file with too many levels."""
    return Problem(place, "", f"more than {limits.depth} levels of tables and lists", (), "write it with fewer levels")


SPLIT = "split the file into overlays"


def too_many_values(place: str, limits: Limits, fix: str = SPLIT) -> Problem:
    """The problem of a file with too many values."""
    return Problem(place, "", f"more than {limits.values} values in one file", (), fix)
