"""Which files are seeds of a profile, and in what order."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.target import Target

DIRECTORY = "seeds"

ROWS = frozenset({".toml", ".yaml", ".yml"})
ONCE = frozenset({".sql", ".py"})
"""What runs once in each database: nothing tells whether its rows are there."""

_NAME = re.compile(r"(\d+)-[^/]+")
_NO_SEEDS = frozenset({"", ".md", ".txt", ".pyc"})
"""What may stand beside seeds."""


@dataclass(frozen=True, slots=True, order=True)
class SeedFile:
    """One file of seeds; they run in the order of their numbers.

    Attributes:
        number: what its name begins with.
        name: its name.
        path: where it is.
        place: how messages call it, from the project root.
    """

    number: int
    name: str
    path: Path
    place: str

    @property
    def holds_rows(self) -> bool:
        """Whether it names rows; else it is SQL or Python, and runs once in each database."""
        return self.path.suffix in ROWS


def seed_directory(target: Target) -> Path:
    """Where the seeds of a profile stand."""
    return target.root / DIRECTORY / target.profile


def find_seeds(target: Target) -> list[SeedFile]:
    """The seeds of a profile in their order; none where there is no directory.

    Raises:
        ConfigError: a file's name says neither when it runs nor what it is; all of them at once.
    """
    directory = seed_directory(target)
    if not directory.is_dir():
        return []
    found, problems = [], []
    for path in sorted(directory.iterdir()):
        if path.is_dir() or path.suffix in _NO_SEEDS or path.name.startswith((".", "_")):
            continue
        place = f"{DIRECTORY}/{target.profile}/{path.name}"
        match = _NAME.fullmatch(path.name)
        if path.suffix not in ROWS | ONCE:
            problems.append(_unknown(place, path))
        elif match is None:
            problems.append(_unnumbered(place, path))
        else:
            found.append(SeedFile(int(match[1]), path.name, path, place))
    if problems:
        raise ConfigError(problems)
    return sorted(found)


def _unknown(place: str, path: Path) -> Problem:
    message = f"no seed ends with {path.suffix!r}; .toml, .yaml, .sql and .py do"
    return Problem(place, "", message, fix=_move(path, f"{path.parent.parent.parent / path.name}"))


def _unnumbered(place: str, path: Path) -> Problem:
    message = "its name does not begin with a number, so nothing says when it runs"
    return Problem(place, "", message, fix=_move(path, f"{path.parent / f'10-{path.name}'}"))


def _move(path: Path, to: str) -> str:
    return f"mv {shlex.quote(str(path))} {shlex.quote(to)}"
