"""Writing files, all of them or none."""

from __future__ import annotations

import contextlib
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from myfy_data.errors import ConfigError, Problem


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write every file, or leave everything as it was; directories come into being as needed.

    Each content first goes into a file of its own beside its target, so that a full disk or a missing permission
    shows before any target is touched. A link is followed: the file behind it is replaced, not the link.

    Raises:
        ConfigError: a file cannot be written.
    """
    with ExitStack() as undo:
        staged = [(path, *_stage(path, content, undo)) for path, content in files.items()]
        for path, target, temporary in staged:
            with _telling(path):
                before = target.read_bytes() if target.exists() else None
                temporary.replace(target)
            undo.callback(_restore, target, before)
        undo.pop_all()


def _stage(path: Path, content: bytes, undo: ExitStack) -> tuple[Path, Path]:
    with _telling(path):
        target = path.resolve()
        temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}"
        for directory in _missing(target.parent):
            directory.mkdir()
            undo.callback(_quietly, directory.rmdir)
        undo.callback(_quietly, temporary.unlink)
        with temporary.open("xb") as file:
            file.write(content)
        if target.exists():
            temporary.chmod(target.stat().st_mode)
    return target, temporary


def _missing(directory: Path) -> list[Path]:
    """The directories that have to be made, the outermost first."""
    return [part for part in reversed([directory, *directory.parents]) if not part.exists()]


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        fix = f"ls -ld {shlex.quote(str(path.parent))}"
        raise ConfigError([Problem(str(path), "", f"cannot be written: {reason}", fix=fix)]) from None


def _restore(target: Path, before: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if before is None:
            target.unlink()
        else:
            target.write_bytes(before)


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        action()
