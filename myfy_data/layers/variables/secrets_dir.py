"""`secrets_dir`: a directory whose file names are variable names (contract C3.8)."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from myfy_data.layers.files.regular_file import open_regular
from myfy_data.layers.fixes import SECRET_FILE, assignment
from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Findings
from myfy_data.layers.variables.coercion import read_secret_text
from myfy_data.layers.variables.fitting import CONTROL, Fitter, Misfit, is_ours
from myfy_data.layers.variables.reader import Variable
from myfy_data.origins import Origin
from myfy_data.suggestions import nearest

MAX_SECRET = 64 * 1024
"""Largest secret file in bytes; a larger one is a mistake, and would be held in memory."""
_MAX_TOTAL = 1024 * 1024
_SECRETS = ("password", "database_url")
"""What a file of a secrets directory mostly is for."""
MOUNTS = ("/run/secrets/", "/var/run/secrets/")
"""Where container platforms mount secrets, with modes that are theirs to choose."""


class SecretError(Exception):
    """A secret file that cannot be used.

    Attributes:
        message: what is wrong; nothing of its content.
        fix: a command.
        better: a path that is probably meant, so that naming it is the fix; None when there is none.
    """

    def __init__(self, message: str, fix: str, better: Path | None = None) -> None:
        self.message = message
        self.fix = fix
        self.better = better
        super().__init__(message)


def read_secret(path: Path) -> str:
    """The secret in a file: one trailing newline is stripped, nothing else.

    Raises:
        SecretError: the file cannot be read, is no regular file, is over 64 KiB, or is not UTF-8.
    """
    place = shlex.quote(str(path))
    try:
        state, better = file_state(path)
        if state:
            raise SecretError(f"the secret file {path} {state}", write_command(path), better)
        with open_regular(path) as file:
            content = file.read(MAX_SECRET + 1)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise SecretError(f"the secret file {path} cannot be read: {reason}", f"chmod u+r {place}") from None
    size = len(content)
    text = _decoded(content) if size <= MAX_SECRET else None
    del content  # a traceback that shows locals must not find it here
    if size > MAX_SECRET:
        message = f"the secret file {path} is larger than {MAX_SECRET} bytes"
        raise SecretError(message, rewrite_command(path))
    if text is None:
        message = f"the secret file {path} is not UTF-8 text"
        raise SecretError(message, rewrite_command(path))
    return text


def file_state(path: Path) -> tuple[str, Path | None]:
    """Why there is no file at this path, and the path that is probably meant; empty when there is one.

    Raises:
        OSError: it cannot be looked at.
    """
    elsewhere = Path("secrets", path.name)  # where nothing that is not ours is in the way
    if path.is_file():
        return "", None
    if path.is_dir():
        names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(".") and entry.is_file())
        inside = path / (nearest(_SECRETS[0], names) or names[0]) if names else None
        return "is a directory", inside or (elsewhere if any(path.iterdir()) else None)
    if path.exists():
        return "is no regular file", elsewhere
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()] if path.parent.is_dir() else []
    near = nearest(path.name, names)
    return "does not exist", path.with_name(near) if near else None


def write_command(path: Path) -> str:
    """A command that writes a secret from the keyboard, up to Ctrl-D, to a file that no other user may read.

    The secret stands neither in the command nor in the shell's history.
    """
    shown = shlex.quote(str(path))
    remove = f"rmdir {shown} && " if path.is_dir() else ""
    return f"{remove}(umask 077 && mkdir -p {shlex.quote(str(path.parent))} && cat > {shown})"


def _decoded(content: bytes) -> str | None:
    try:
        return read_secret_text(content.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def rewrite_command(path: Path) -> str:
    """As `write_command`; what stands there now is kept, under a name that no secrets directory means."""
    return f"{aside_command(path)} && {write_command(path)}"


def aside_command(path: Path) -> str:
    """A command that keeps a file under another name."""
    return f"mv {shlex.quote(str(path))} {shlex.quote(str(kept(path)))}"


def kept(path: Path) -> Path:
    """The name under which a file is kept."""
    return path.with_name(f".{path.name}.bak")


def is_public(path: Path) -> bool:
    """Whether every user may read a file whose mode was chosen here.

    A platform's mount is left out: Kubernetes mounts secrets as 0644 into a pod of its own, read-only, so
    that no command here could change it.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")  # systemd's
    mounts = (*MOUNTS, f"{credentials}/") if credentials else MOUNTS
    if sys.platform == "win32" or str(path).startswith(mounts):
        return False
    try:
        mode, above = path.stat().st_mode, path.parent.stat().st_mode
        is_open = bool(mode & stat.S_IROTH) and bool(above & stat.S_IXOTH)  # a directory of its own keeps others out
        return stat.S_ISREG(mode) and is_open and not os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False  # reading it tells


def list_secrets(directory: Path, place: Origin, findings: Findings) -> list[Path]:
    """The files of a secrets directory that may be secrets, by name."""
    shown = shlex.quote(str(directory))
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names are what is wanted
    except FileNotFoundError:
        findings.problem(place, ("secrets_dir",), f"the directory {directory} does not exist", fix=f"mkdir -p {shown}")
    except NotADirectoryError:
        fix = assignment(place, ("secrets_dir",), str(directory.parent))
        findings.problem(place, ("secrets_dir",), f"{directory} is a file, not a directory", fix=fix)
    except ValueError:  # a path with a NUL in it
        fix = assignment(place, ("secrets_dir",), "/run/secrets")
        findings.problem(place, ("secrets_dir",), "is no path", fix=fix)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        message = f"the directory {directory} cannot be read: {reason}"
        findings.problem(place, ("secrets_dir",), message, fix=f"chmod u+rx {shown}")
    else:
        paths = [directory / name for name in names if not name.startswith(".")]
        return [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112 - Path.is_dir may raise
    return []


def read_secrets(paths: Iterable[Path], fitter: Fitter, findings: Findings) -> list[Variable]:
    """The secrets among these files as variables; files with other names are foreign."""
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
            findings.problem(variable.origin, (), message, fix=aside_command(path))
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
        text = read_secret(path)
        if is_public(path):
            fix = f"chmod o-r {shlex.quote(str(path))}"
            findings.warning(origin, (), "may be read by everybody", fix=fix)
        return Variable(name, text, origin)
    except SecretError as error:
        fix = aside_command(path) if error.better else error.fix  # what is in the way is no secret
        findings.problem(origin, (), error.message.removeprefix(f"the {origin} "), fix=fix)
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
            fix = misfit.fix.replace(PREFIX, "") or aside_command(path)
            findings.warning(Origin(f"{SECRET_FILE}{path}"), (), f"is not used: {misfit.message}", fix=fix)
        return None
    return None if key[0] in CONTROL else name


def _is_nearly_ours(file_name: str) -> bool:
    """Whether a name that fits nothing was probably meant for us; a secrets directory may hold others' files."""
    return file_name.startswith("profiles__") or nearest(file_name, _SECRETS) is not None
