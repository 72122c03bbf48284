"""SQLite's lock: a file beside the database, held by the operating system's means (ADR 0012)."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

SUFFIX = "-migration-lock"
"""Beside SQLite's own `-wal` and `-shm`, so that the same ignore rules fit."""

_PROCESS = re.compile(r"process (\d+) on (\S+) since ")
_LONGEST_NOTE = 1000
"""Characters that are read of what the holder wrote down."""


def this_process() -> str:
    """This process in words, for those waiting for it and those finding what it left behind."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {now}"


def process_of(holder: str) -> int | None:
    """The number of the process that a holder wrote down; None where it runs on another machine, or is unknown."""
    told = _PROCESS.match(holder)
    return int(told[1]) if told and told[2] == socket.gethostname() else None


class FileLock:
    """The right to migrate one file. The database itself is not locked: closing it would drop SQLite's own locks.

    Args:
        database: the path of the SQLite file.
    """

    def __init__(self, database: str) -> None:
        self._path = Path(database + SUFFIX)
        self._open: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free.

        Raises:
            OSError: the file cannot be made.
        """
        descriptor = self._open_file()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = self.is_still(descriptor)
        except BlockingIOError:
            taken = False
        if not taken:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, this_process().encode())
        self._open = descriptor
        return True

    def _open_file(self) -> int:
        """Open the file, and nothing else that stands there: a link would let others choose what is overwritten."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(self._path, flags, 0o666)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENXIO):
                raise
            raise self._no_file() from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._no_file()
        return descriptor

    def _no_file(self) -> OSError:
        return OSError(f"{self._path} is a link, a pipe or a device, where the migration lock belongs; delete it")

    def is_still(self, descriptor: int) -> bool:
        """Whether the file was not deleted, by the last holder, since we opened it."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), now)

    def holder(self) -> str:
        """Its holder, as written down."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return "another process"
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            written = file.read(_LONGEST_NOTE)
        return written or "another process"

    def release(self) -> None:
        """Give it back, and leave no file behind."""
        if self._open is not None:
            descriptor, self._open = self._open, None
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)
