"""A server process that ends with its owner, whatever the owner's end is (contract C13.4).

Between the two stands a keeper: a small Python process that holds the reading end of a pipe. The pipe closes when the
owner ends, also when it is killed, and the keeper stops the server and removes what it leaves.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from myfy_data.servers.accounts import Account

START_TIMEOUT = 60.0
"""Seconds until a server that was started must answer."""

STOP_TIMEOUT = 30.0
"""Seconds until a server that was told to stop is killed."""

_POLL = 0.01
"""Seconds between two looks at a server that starts."""

_KEEPER = """
import json, select, shutil, subprocess, sys

told = json.loads(sys.argv[1])
with open(told["log"], "ab") as log:
    server = subprocess.Popen(told["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **told["options"])
while server.poll() is None and not select.select([0], [], [], 0.25)[0]:
    pass
if server.poll() is None:
    server.send_signal(told["signal"])
    try:
        server.wait(told["patience"])
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
for directory in told["remove"]:
    shutil.rmtree(directory, ignore_errors=True)
"""


class ServerStartError(Exception):
    """A server that is installed did not start; the text holds the end of its log."""


class Kept:
    """A running server and its keeper.

    Args:
        command: the server's command line.
        account: the user it runs as.
        log: the file that everything goes to that the server says.
        stop: the signal by which it ends at once and in order.
        remove: directories that go with it.
    """

    def __init__(
        self, command: Sequence[str], account: Account, log: Path, *, stop: signal.Signals, remove: Sequence[Path] = ()
    ) -> None:
        self._log = log
        told = {
            "command": list(command),
            "options": {"cwd": str(log.parent), "env": account.environment(log.parent), **account.options},
            "log": str(log),
            "signal": int(stop),
            "patience": STOP_TIMEOUT,
            "remove": [str(directory) for directory in remove],
        }
        # A session of its own: Ctrl-C is the owner's to answer.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER, json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until the server answers.

        Raises:
            ServerStartError: it ended, or did not answer within `START_TIMEOUT`.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while not is_ready():
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                end = self._log_end()
                self.stop()
                raise ServerStartError(f"the server did not start: {end}")
            time.sleep(_POLL)

    def _log_end(self) -> str:
        if not self._log.exists():
            return "its keeper removed the log, or the server never ran"
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])

    def stop(self) -> None:
        """Stop the server and wait for its end; a second call does nothing."""
        assert self._keeper.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._keeper.stdin.close()
        self._keeper.wait(STOP_TIMEOUT + 5.0)
