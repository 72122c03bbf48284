"""Opening files that must be files: a pipe or a device in the place of one is refused at once (contract C3.9)."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without O_NONBLOCK, opening a pipe waits for a writer that may never come."""


class NotRegularFileError(OSError):
    """What stands at a path is a pipe, a socket or a device."""


def open_regular(path: Path | str) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        NotRegularFileError: it is no file, so reading it might wait forever, or never end.
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, _FLAGS)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise NotRegularFileError(errno.EINVAL, "is a pipe, a socket or a device, not a file")
