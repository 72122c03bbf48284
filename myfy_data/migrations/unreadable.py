"""Why the files of a migration directory cannot be read: which file, which line, and what to do."""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from alembic.script.revision import CycleDetected

from myfy_data.errors import MigrationError
from myfy_data.migrations.target import Target

_TWICE = re.compile(r"Revision (\S+) is present more than once")
_NO_PARENT = re.compile(r"Revision (\S+) referenced from .*?(\S+)(?: \(\w+\))*,.* is not present")


@contextmanager
def refusing_doubts() -> Iterator[None]:
    """Let Alembic refuse, while it reads a directory, what it only warns of: files of which it would take one."""
    with warnings.catch_warnings():
        for pattern in (_TWICE, _NO_PARENT):
            warnings.filterwarnings("error", pattern.pattern, UserWarning)
        yield


def explain_unreadable(target: Target, error: Exception) -> MigrationError:
    """What the files of a directory raised when they were read, in words with a fix."""
    text = " ".join(str(error).split())
    if twice := _TWICE.match(text):
        return _told_twice(target, twice[1])
    if missing := _NO_PARENT.match(text):
        parent, child = missing.groups()
        [path, *_] = _files_of(target, child) or [target.directory]
        fix = f"get the file of {parent} back, or correct down_revision in {shlex.quote(str(path))}"
        return MigrationError(target.profile, f"revision {child} follows {parent}, which no file has", fix=fix)
    if isinstance(error, CycleDetected):
        fix = f"correct down_revision in the files of {target.directory / 'versions'}"
        return MigrationError(target.profile, f"the revisions follow each other in a circle: {text}", fix=fix)
    place, line = _place(target, error)
    fix = f"correct {shlex.quote(str(place))}" if place else ""
    where = f"{place}, line {line}" if place else f"{target.directory} cannot be read"
    return MigrationError(target.profile, f"{where}: {type(error).__name__}: {_words(error)}", fix=fix)


def _told_twice(target: Target, revision: str) -> MigrationError:
    paths = _files_of(target, revision)
    fix = (
        f"delete {shlex.quote(str(paths[-1]))} if it is a copy; else give it a revision and a down_revision of its own"
    )
    facts = [str(path) for path in paths]
    return MigrationError(
        target.profile, f"several files are revision {revision}", facts=facts, fix=fix if paths else ""
    )


def _files_of(target: Target, revision: str) -> list[Path]:
    said = re.compile(rf"^revision\b[^=\n]*=\s*['\"]{re.escape(revision)}['\"]", re.MULTILINE)
    every = sorted(target.directory.rglob("*.py"))
    return [path for path in every if said.search(path.read_text(encoding="utf-8", errors="replace"))]


def _place(target: Target, error: Exception) -> tuple[str, int | None]:
    """The file of the directory that raised, and the line; nothing where none did."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [(name, line) for name, line in frames if Path(name).is_relative_to(target.directory)]
    return own[-1] if own else ("", None)


def _words(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
