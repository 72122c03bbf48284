"""Why a SQLite file cannot be used, in words with a fix."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from myfy_data.engines.connect.connect_errors import Failure

CORRECT_PATH = "correct the path in the profile's URL"


def deleted(path: str) -> Failure:
    """The failure of a file that is no longer there."""
    reason = f"the file {path} was deleted while it was in use"
    fix = "put it back, or begin anew: a module that starts, or an engine after `dispose()`, creates an empty one"
    return Failure(reason, fix)


def explain_path(path: Path, *, read_only: bool) -> Failure | None:
    """Why SQLite cannot open or write a file."""
    return _explain_place(path) or _explain_rights(path, read_only=read_only)


def _explain_place(path: Path) -> Failure | None:
    parent = path.parent
    if not parent.exists():
        return Failure(f"the directory {parent} does not exist", f"mkdir -p {shlex.quote(str(parent))}")
    if not parent.is_dir():
        return Failure(f"{parent} is a file, not a directory", CORRECT_PATH)
    if path.is_dir():
        return Failure("the path is a directory, not a file", CORRECT_PATH)
    return None


def _explain_rights(path: Path, *, read_only: bool) -> Failure | None:
    if not path.exists() and read_only:
        return Failure("the file does not exist, and a read-only profile does not create it", CORRECT_PATH)
    if path.exists() and not os.access(path, os.R_OK):
        return Failure("the file may not be read by this process", f"chmod u+rw {shlex.quote(str(path))}")
    if not os.access(path.parent, os.W_OK):
        place = path.parent
        reason = f"the directory {place} may not be written, and SQLite keeps its journal there"
        return Failure(reason, f"chmod u+w {shlex.quote(str(place))}")
    if path.exists() and not os.access(path, os.W_OK):
        return Failure("the file may not be written by this process", f"chmod u+w {shlex.quote(str(path))}")
    return None
