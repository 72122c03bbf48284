"""`secrets_dir`: a directory whose file names are variable names (contract C3.8)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from myfy_data.layers.advice import SECRET_FILE
from myfy_data.layers.environment import Variable
from myfy_data.layers.layer import Findings
from myfy_data.layers.regular_file import open_regular
from myfy_data.layers.text import read_secret_text
from myfy_data.layers.variables import CONTROL, PREFIX, Fitter, Misfit, is_ours
from myfy_data.origins import Origin
from myfy_data.suggestions import nearest

MAX_SECRET = 64 * 1024
"""Largest secret file in bytes; a larger one is a mistake, and would be held in memory."""
_MAX_TOTAL = 1024 * 1024
_SECRETS = ("password", "database_url")
"""What a file of a secrets directory mostly is for."""


class SecretError(Exception):
    """A secret file that cannot be used; `message` and `fix` hold nothing of its content."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(message)


def read_secret(path: Path) -> str:
    """The secret in a file: one trailing newline is stripped, nothing else.

    Raises:
        SecretError: the file cannot be read, is no regular file, is over 64 KiB, or is not UTF-8.
    """
    place = shlex.quote(str(path))
    try:
        if not path.is_file():
            state = "is no regular file" if path.exists() else "does not exist"
            raise SecretError(f"the secret file {path} {state}", f"write the secret to {place}")
        with open_regular(path) as file:
            content = file.read(MAX_SECRET + 1)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise SecretError(f"the secret file {path} cannot be read: {reason}", f"chmod u+r {place}") from None
    size = len(content)
    text = _decoded(content) if size <= MAX_SECRET else None
    del content  # a traceback that shows locals must not find it here
    if size > MAX_SECRET:
        raise SecretError(
            f"the secret file {path} is larger than {MAX_SECRET} bytes", "give the path of the secret itself"
        )
    if text is None:
        raise SecretError(f"the secret file {path} is not UTF-8 text", "store the secret as text")
    return text


def _decoded(content: bytes) -> str | None:
    try:
        return read_secret_text(content.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def list_secrets(directory: Path, place: Origin, findings: Findings) -> list[Path]:
    """The files of a secrets directory that may be secrets, by name."""
    shown = shlex.quote(str(directory))
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names are what is wanted
    except FileNotFoundError:
        findings.problem(place, ("secrets_dir",), f"the directory {directory} does not exist", fix=f"mkdir -p {shown}")
    except NotADirectoryError:
        fix = "name the directory that holds the secret files"
        findings.problem(place, ("secrets_dir",), f"{directory} is a file, not a directory", fix=fix)
    except ValueError:  # a path with a NUL in it
        findings.problem(place, ("secrets_dir",), "is no path", fix="name the directory that holds the secret files")
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        message = f"the directory {directory} cannot be read: {reason}"
        findings.problem(place, ("secrets_dir",), message, fix=f"ls -ld {shown}")
    else:
        paths = [directory / name for name in names if not name.startswith(".")]
        return [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112 - Path.is_dir may raise
    return []


def read_secrets(paths: Iterable[Path], fitter: Fitter, findings: Findings) -> list[Variable]:
    """The secrets among these files as variables; files whose names mean nothing to us are somebody else's."""
    variables = []
    total = 0
    for path in paths:
        name = _variable_name(path, fitter, findings)
        if name is None:
            continue
        variable = _read_entry(path, name, findings)
        if variable is None:
            continue
        total += len(variable.value)
        if total > _MAX_TOTAL:
            message = f"the secrets together are larger than {_MAX_TOTAL} bytes"
            findings.problem(variable.origin, (), message, fix=f"move it out of {path.parent}")
            break
        variables.append(variable)
    return variables


def variable_name(file_name: str) -> str:
    """The variable that a secret file stands for; the prefix may be left out."""
    return file_name if is_ours(file_name) else PREFIX + file_name


def _read_entry(path: Path, name: str, findings: Findings) -> Variable | None:
    origin = Origin(f"{SECRET_FILE}{path}")
    try:
        if not _stays_inside(path):
            fix = f"replace the link with the file itself: cp --remove-destination {path.resolve()} {path}"
            raise SecretError("is a link that leads out of secrets_dir", fix)
        return Variable(name, read_secret(path), origin)
    except SecretError as error:
        findings.problem(origin, (), error.message.removeprefix(f"the {origin} "), fix=error.fix)
        return None


def _stays_inside(path: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(path.parent.resolve(strict=True))
    except (OSError, RuntimeError):
        return True  # it leads nowhere, which reading it will tell


def _variable_name(path: Path, fitter: Fitter, findings: Findings) -> str | None:
    """The variable that a file's name means: with our prefix always, without it only when it fits."""
    name = variable_name(path.name)
    if is_ours(path.name):
        return name
    try:
        key = fitter.fit(name)
    except Misfit as misfit:
        if _is_nearly_ours(path.name.lower()):
            fix = misfit.fix.replace(PREFIX, "") or f"move it out of {path.parent}"
            findings.warning(Origin(f"{SECRET_FILE}{path}"), (), f"is not used: {misfit.message}", fix=fix)
        return None
    return None if key[0] in CONTROL else name


def _is_nearly_ours(file_name: str) -> bool:
    """Whether a name that fits nothing was probably meant for us; a secrets directory may hold others' files."""
    return file_name.startswith("profiles__") or nearest(file_name, _SECRETS) is not None
