"""What a machine of a cluster is reached by, and reaches the others by: a process of its own, so that it can be cut.

Usage: `python -m tests.clusters.wires LISTEN:TARGET...`, ports of this machine, until it is ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.clusters.waiting import until
from tests.own_servers import HOST
from tests.tcp_proxy import Relay

ROOT = Path(__file__).resolve().parents[2]


class Wires:
    """Relays to ports of this machine.

    Args:
        ways: the ports that they lead to, by those where they listen.
    """

    def __init__(self, ways: Mapping[int, int]) -> None:
        self._ways = ways
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start them, and wait until they listen."""
        pairs = [f"{listen}:{target}" for listen, target in self._ways.items()]
        self._process = subprocess.Popen([sys.executable, "-m", __name__, *pairs], cwd=ROOT, stdin=subprocess.DEVNULL)
        until(lambda: all(map(_listens, self._ways)), f"no relay listens at {', '.join(pairs)}")

    def cut(self) -> None:
        """From now on nothing passes, and no connection ends."""
        self._signal(signal.SIGSTOP)

    def mend(self) -> None:
        """From now on everything passes, also what was sent meanwhile."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """End them, and every connection through them."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, what)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


async def _relay(pairs: list[str]) -> None:
    servers = []
    for listen, _, target in (pair.partition(":") for pair in pairs):
        servers.append(await asyncio.start_server(Relay(HOST, int(target)).accept, HOST, int(listen)))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1:]))
