"""Finding the project root and the files of each layer (contract C3.1)."""

# Paths are text in this module, see `Discovery`.
# ruff: noqa: PTH100, PTH109, PTH111, PTH112, PTH114, PTH116, PTH118, PTH120, PTH122, PTH208

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from myfy_data.layers.files.ownership import check_owners
from myfy_data.layers.files.regular_file import open_regular
from myfy_data.layers.layer import Findings
from myfy_data.suggestions import nearest

BASE_NAMES = ("myfy.toml", "myfy.yaml", "myfy.yml")
SUFFIXES = (".toml", ".yaml", ".yml")
CONFIG_DIR = "config"
LOCAL = "local"
_USUAL = (LOCAL, "development", "production", "staging", "test")
_OUR_TABLE = re.compile(r"^(?:\[data[.\]]|data:)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """Where configuration was found.

    Attributes:
        root: the directory of `myfy.*`; None when there is none.
        base: the `myfy.*` file.
        overlays: the files of `config/` by their name without its suffix, `local` included; more than one
            is a mistake when that layer is read.
    """

    root: Path | None = None
    base: str | None = None
    overlays: dict[str, list[str]] = field(default_factory=dict)


class Discovery:
    """Looks for files, for messages as seen from where the user stands.

    Paths are text in here: as `Path` objects they took a seventh of the time of a load.

    Args:
        start: the directory to begin at; the working directory when None.
        findings: where problems go.

    Attributes:
        start: the directory to begin at; None when there is none.
    """

    def __init__(self, start: str | os.PathLike[str] | None, findings: Findings) -> None:
        self._findings = findings
        self._here = _directory(start)
        self._is_told = start is not None
        self.start: Path | None = Path(self._here) if self._here else None
        self._prefix = os.path.join(self._here, "")

    def shown(self, path: str | Path) -> str:
        """A file's name in messages: relative to where the user stands, so that editors can open it."""
        return str(path).removeprefix(self._prefix)

    def search(self) -> Project:
        """Find the nearest directory upward that holds `myfy.*`; nothing above it is read."""
        if not self._here:
            message = "the working directory is gone, so no file was searched for"
            self._findings.warning("", (), message, fix="cd to a directory that exists")
            return Project()
        searched: list[str] = []
        for directory in _upward(self._here):
            found = [path for name in BASE_NAMES if self._is_there(path := os.path.join(directory, name))]
            if found:
                overlays = self._overlays(directory)
                self._check_owners(directory, found, overlays)
                return Project(Path(directory), self.only_one(found), overlays)
            if not searched and self._is_told and not os.path.isdir(directory):
                fix = "give a directory as `start`, or a file in `files=[...]`"
                self._findings.problem(directory, (), "is no directory to start from", fix=fix)
                return Project()
            searched.append(directory)
        self._refuse_lonely_overlays(searched)
        return Project()

    def _check_owners(self, root: str, found: list[str], overlays: dict[str, list[str]]) -> None:
        paths = [root, *found, os.path.join(root, ".env")]
        if overlays:
            paths += [os.path.join(root, CONFIG_DIR), *(path for paths in overlays.values() for path in paths)]
        check_owners(paths, self.shown, self._findings)

    def only_one(self, found: Sequence[str]) -> str:
        """The file of a layer; two formats of one layer are a problem that names both."""
        if len(found) > 1:
            first, second = (self.shown(path) for path in found[:2])
            fix = f"mv {shlex.quote(second)} {shlex.quote(second + '.bak')}"
            facts = (f"keys of {second} that you need go into {first}",)
            self._findings.problem(first, (), f"one layer, two files: {first} and {second}", fix=fix, facts=facts)
        return found[0]

    def explicit(self, files: Iterable[str | os.PathLike[str]], *, by_variable: bool) -> list[str]:
        """Exactly the files that were asked for, by the variable or by an argument; each must exist."""
        paths = []
        for name in files:
            path = os.path.join(self._here, os.path.expanduser(name))
            before = len(self._findings.problems)
            if self._is_there(path):
                paths.append(path)
            elif len(self._findings.problems) == before:
                self._miss(path, by_variable=by_variable)
        return paths

    def _miss(self, path: str, *, by_variable: bool) -> None:
        """Tell of a file that was asked for and is not there: never an empty one in its place, which would load."""
        directory, name = os.path.split(path)
        try:
            names = [entry for entry in sorted(os.listdir(directory)) if entry.endswith(SUFFIXES)]
        except OSError:
            names = []
        near = nearest(name, names) or next((base for base in BASE_NAMES if base in names), None)
        shown, fact = self.shown(path), "named by files=, --config or MYFY_DATA_CONFIG"
        if near is None:
            self._findings.problem(shown, (), "does not exist", facts=(fact,), fix="myfy-data config init")
            return
        better = shlex.quote(self.shown(os.path.join(directory, near)))
        fix = f"MYFY_DATA_CONFIG={better}" if by_variable else f"--config {better}"
        self._findings.problem(shown, (), f"does not exist. Did you mean {near!r}?", facts=(fact,), fix=fix)

    def _is_there(self, path: str) -> bool:
        """Whether a file is there. One that cannot be looked at is a problem, not an absence (contract C3.2)."""
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
            if os.path.islink(path):
                link = shlex.quote(path)
                fix = f"mv {link} {link}.bak"
                self._findings.problem(self.shown(path), (), "is a link to a file that does not exist", fix=fix)
            return False
        except OSError as error:
            self._unreadable(path, error)
            return False
        return True

    def _unreadable(self, path: str, error: OSError) -> None:
        reason = (error.strerror or "unknown error").lower()
        self._findings.problem(self.shown(path), (), f"cannot be read: {reason}", fix=_repair(path, error))

    def _overlays(self, root: str) -> dict[str, list[str]]:
        directory = os.path.join(root, CONFIG_DIR)
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            self._is_there(directory)  # tells of a link that leads nowhere
            return {}
        except NotADirectoryError:
            return {}
        except OSError as error:
            self._unreadable(directory, error)
            return {}
        overlays: dict[str, list[str]] = {}
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix in SUFFIXES and not name.startswith("."):
                overlays.setdefault(stem, []).append(os.path.join(directory, name))
        return overlays

    def _refuse_lonely_overlays(self, directories: Iterable[str]) -> None:
        """Refuse a `config/` with layers in it, but without the `myfy.*` that they belong to."""
        for directory in directories:
            if not os.path.isdir(os.path.join(directory, CONFIG_DIR)):
                continue
            overlays = self._overlays(directory)
            lonely = [
                path for name, paths in overlays.items() for path in paths if name in _USUAL or _holds_our_table(path)
            ]
            if lonely:
                base = shlex.quote(self.shown(os.path.join(directory, BASE_NAMES[0])))
                message = "is an overlay, but no myfy.toml stands beside config/"
                self._findings.problem(self.shown(lonely[0]), (), message, fix=f"touch {base}")
                return


def _repair(path: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"rm {shlex.quote(path)}"
    if error.errno == errno.EACCES:
        return f"chmod u+rx {shlex.quote(path if os.path.isdir(path) else os.path.dirname(path))}"
    return f"ls -ld {shlex.quote(path)}"


def _directory(start: str | os.PathLike[str] | None) -> str:
    """The directory to begin at; empty when it was deleted under the process."""
    try:
        here = os.getcwd() if start is None else os.path.abspath(start)
        # `link/..` is the parent of what the link leads to, which only the system knows.
        return here if start is None or ".." not in os.fspath(start) else os.path.realpath(start)
    except FileNotFoundError:
        return ""


def _upward(start: str) -> Iterator[str]:
    yield start
    home = os.path.realpath(os.path.expanduser("~"))
    device = _device(start)
    directory = os.path.realpath(start)
    while directory != home and not os.path.lexists(os.path.join(directory, ".git")):
        directory, below = os.path.dirname(directory), directory
        if directory == below or _device(directory) != device:
            return
        yield directory


def _device(directory: str) -> int | None:
    try:
        return os.stat(directory).st_dev
    except OSError:
        return None


def _holds_our_table(path: str) -> bool:
    """Whether a file of a `config/` that may be another tool's has our table; unreadable ones are not ours."""
    try:
        with open_regular(path) as file:
            return _OUR_TABLE.search(file.read(65536).decode("utf-8", "replace")) is not None
    except OSError:
        return False
