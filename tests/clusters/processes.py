"""A server's process with its children: frozen, resumed, killed as a power cut does, stopped in peace."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

STOP_TIMEOUT = 60.0
"""Seconds until a server that was told to stop is killed."""


class ServerProcess:
    """A process that we started, and everything that it started; it is reached by its id alone."""

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        self._process = process
        self._frozen: list[int] = []

    @property
    def is_running(self) -> bool:
        """Whether it has not ended; a frozen one has not."""
        return self._process.poll() is None

    @property
    def is_away(self) -> bool:
        """Whether it has ended, or is frozen."""
        return bool(self._frozen) or not self.is_running

    def freeze(self) -> None:
        """Stop it as a machine that hangs does: the system still accepts its connections, and nothing answers."""
        self._frozen = []
        self._frozen.append(self._signal(self._process.pid, signal.SIGSTOP))  # before it starts a further child
        while new := [pid for pid in self._children() if pid not in self._frozen]:
            self._frozen.extend(self._signal(pid, signal.SIGSTOP) for pid in new)

    def resume(self) -> None:
        """Let it go on where it was frozen; all of it, the children first."""
        frozen, self._frozen = self._frozen, []
        for pid in reversed(frozen):
            self._signal(pid, signal.SIGCONT)

    def kill(self) -> None:
        """End all of it at once; it has no time for a last word to its clients."""
        children = self._children()
        if self.is_running:
            self._process.kill()
        for pid in {*children, *self._children()}:
            self._signal(pid, signal.SIGKILL)
        self._process.wait()
        self._frozen = []
        _await_end(children)

    def stop(self, how: signal.Signals) -> None:
        """Tell it to stop, and wait for its end; one that does not is killed."""
        self.resume()
        if self.is_running:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()

    def _children(self) -> list[int]:
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in running if parent_of(pid) == self._process.pid]

    @staticmethod
    def _signal(pid: int, what: signal.Signals) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)
        return pid


def parent_of(pid: int) -> int | None:
    """The parent of a process; none when it ended meanwhile."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def _await_end(pids: list[int]) -> None:
    """Wait until processes that were killed are gone, and with them their sockets."""
    deadline = time.monotonic() + STOP_TIMEOUT
    while any(_is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} do not end"
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
