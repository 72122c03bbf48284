"""SQLite's lock: a file beside the database, held by the operating system's means (ADR 0012)."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

SUFFIX = "-migration-lock"
"""Beside SQLite's own `-wal` and `-shm`, so that the same ignore rules fit."""


def this_process() -> str:
    """This process in words, for whoever waits for it or finds what it left behind."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {now}"


class FileLock:
    """The right to migrate one file. The database itself is not locked: closing it would drop SQLite's own locks.

    Args:
        database: the path of the SQLite file.
    """

    def __init__(self, database: str) -> None:
        self._path = Path(database + SUFFIX)
        self._open: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it.

        Raises:
            OSError: the file cannot be made.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = self._is_still(descriptor)
        except BlockingIOError:
            taken = False
        if not taken:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, this_process().encode())
        self._open = descriptor
        return True

    def _is_still(self, descriptor: int) -> bool:
        """Whether the file was not deleted, by the one who had the lock before us, since we opened it."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), now)

    def holder(self) -> str:
        """Who has it, as they wrote it down."""
        try:
            written = self._path.read_text(encoding="utf-8")
        except OSError:
            written = ""
        return written or "another process"

    def release(self) -> None:
        """Give it back, and leave no file behind."""
        if self._open is not None:
            descriptor, self._open = self._open, None
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)
