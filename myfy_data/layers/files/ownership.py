"""Whose configuration this is: what another user may have planted is not obeyed (contract C3.1, C3.9; ADR 28).

Configuration names code that runs as us (`migrations.metadata`), and code beside it is imported. So what a search finds
must belong to this user, to root, or to sudo's caller, and no other user may write to it; the rule is git's
(CVE-2022-24765). A file that is named explicitly is trusted as it is.
"""

# Paths are text in this module, as in `discovery`.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterable

from myfy_data.layers.layer import Findings

_EXPLICIT = "a file that --config, MYFY_DATA_CONFIG or files= names is trusted as it is"


def check_owners(paths: Iterable[str], shown: Callable[[str], str], findings: Findings) -> None:
    """Refuse files and directories that another user owns, or may write to.

    Args:
        paths: what was found; one that is gone by now is passed over.
        shown: how messages call a path.
        findings: where problems go.
    """
    if sys.platform == "win32":  # no owner to look at
        return
    trusted = trusted_users()
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            continue  # reading it will tell
        if found.st_uid not in trusted:
            message = f"belongs to {_user(found.st_uid)}, who could run code as {_user(os.geteuid())} by it"
            fix = f"chown {os.geteuid()} {shlex.quote(path)}  # once you have read it"
            findings.problem(shown(path), (), message, fix=fix, facts=(_EXPLICIT,))
        elif found.st_mode & stat.S_IWOTH:
            message = f"may be written by everybody, who could run code as {_user(os.geteuid())} by it"
            findings.problem(shown(path), (), message, fix=f"chmod o-w {shlex.quote(path)}", facts=(_EXPLICIT,))


def trusted_users() -> set[int]:
    """The users whose files are obeyed: this one, root, and sudo's caller."""
    trusted = {os.geteuid(), 0}
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isascii() and caller.isdigit():
        trusted.add(int(caller))
    return trusted


def _user(number: int) -> str:
    try:
        import pwd  # noqa: PLC0415 - for a message only, and not on every platform

        return f"user {pwd.getpwuid(number).pw_name!r}"
    except (ImportError, KeyError):
        return f"user {number}"
