"""End this process's connections to some ports, in whichever process they are and whatever waits on them."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path


def hang_up(ports: Collection[int]) -> None:
    """Shut down every connection that leads to one of these ports: its reader hears the end of it at once."""
    for one in _sockets():
        with one, suppress(OSError):  # not connected, or closed meanwhile
            peer = one.getpeername()
            if isinstance(peer, tuple) and peer[1] in ports:
                one.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """A handle of its own for each socket of this process."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                yield socket.socket(fileno=os.dup(int(entry.name)))
