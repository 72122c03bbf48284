"""The account that runs a server, and where its files stand: PostgreSQL and MariaDB refuse to run as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class AccountOptions(TypedDict, total=False):
    """What `subprocess` is told of an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that runs a server: our own, or one without rights when we are root.

    Attributes:
        entry: the account in the system's list.
        is_lent: whether we are root and step down to it.
    """

    entry: pwd.struct_passwd
    is_lent: bool

    @property
    def options(self) -> AccountOptions:
        """What `subprocess` is told, so that a program runs as this account."""
        return {"user": self.entry.pw_uid, "group": self.entry.pw_gid, "extra_groups": []} if self.is_lent else {}

    def environment(self, home: Path) -> Mapping[str, str]:
        """The variables of a server: nothing of the caller's that could change it."""
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}

    def own(self, path: Path) -> None:
        """Give a directory to the account."""
        if self.is_lent:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def run(self, command: Sequence[str | Path], directory: Path) -> None:
        """Run a preparing program to its end.

        Raises:
            subprocess.CalledProcessError: it failed; its output is in there.
        """
        subprocess.run(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            cwd=directory,
            env=self.environment(directory),
            **self.options,
        )


def server_account(preferred: str) -> Account | None:
    """The account that runs a server; None where root has no account to step down to.

    Args:
        preferred: the account that root takes if there is one, such as `postgres`.
    """
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()), is_lent=False)
    for name in (preferred, "nobody"):
        with contextlib.suppress(KeyError):
            return Account(pwd.getpwnam(name), is_lent=True)
    return None


def cache_directory() -> Path:
    """Where what is made once is kept, such as the files of an empty server.

    Raises:
        PermissionError: the directory belongs to another user.
    """
    if os.geteuid() == 0:
        directory = Path("/var/cache/myfy-data")  # the account that runs a server for root must be let through
    else:
        directory = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "myfy-data"
    directory.mkdir(parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user")
    return directory


def run_directory(account: Account) -> Path:
    """A new directory for one server. Short: the path of a socket may have 107 bytes."""
    parent = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - mkdtemp makes a private directory
    directory = Path(tempfile.mkdtemp(prefix="myfy-", dir=parent))
    account.own(directory)
    return directory


def made_once(name: str, account: Account, make: Callable[[Path], None]) -> Path:
    """A directory of the cache; made when it is not there, whole or not at all.

    Args:
        name: its name; another content needs another name.
        account: its owner.
        make: fills a new directory.
    """
    place = cache_directory() / name
    if place.is_dir():
        return place
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place.parent))
    account.own(draft)
    try:
        make(draft)
        draft.rename(place)
    except OSError:
        if not place.is_dir():  # another process was first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place


def data_directory(empty: Path, home: Path, account: Account, keep: Path | None) -> Path:
    """A server's data, at first a copy of what `empty` has: a directory that stays, else one in `home`."""
    source = empty / "data"
    if keep is None:
        _copy_tree(source, home / "data", account)
        return home / "data"
    if not keep.is_dir():  # whole or not at all
        draft = keep.with_name(f".{keep.name}-new")
        shutil.rmtree(draft, ignore_errors=True)
        _copy_tree(source, draft, account)
        draft.rename(keep)
    return keep


def _copy_tree(source: Path, target: Path, account: Account) -> None:
    """Copy a directory for an account."""
    shutil.copytree(source, target, symlinks=True)
    if account.is_lent:
        for path in (target, *target.rglob("*")):
            os.chown(path, account.entry.pw_uid, account.entry.pw_gid, follow_symlinks=False)


def may_run(program: Path, account: Account) -> bool:
    """Whether an account that we lend can get to a program."""
    if not account.is_lent:
        return True
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.resolve().parents))
