"""A proxy in a process of its own: counts round trips, and holds every packet back for as long as it is told.

`database_proxy.py PORT` prints where it listens. On a line of input, the seconds of delay from now on, it prints how
often clients have sent something and were answered. It waits by `select`: asyncio rounds its timers up to 1 ms.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections import deque
from contextlib import suppress

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class Proxy:
    """Passes bytes on, both ways, to a server on this machine.

    Attributes:
        port: where it listens.
        delay: seconds for which it holds back what came in.
        round_trips: how often a client has sent something, however much, and was answered.
    """

    def __init__(self, target: int) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=256)
        self._target = target
        self._others: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._awaited: set[socket.socket] = set()
        self._held: deque[tuple[float, socket.socket, bytes]] = deque()
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self.round_trips = 0

    def serve(self) -> None:
        """Serve until the input ends."""
        while True:
            wait = max(self._held[0][0] - time.perf_counter(), 0) if self._held else None
            ready = select.select([sys.stdin, self._listener, *self._others], [], [], wait)[0]
            for one in ready:
                if one is self._listener:
                    self._accept()
                elif one is not sys.stdin:
                    self._receive(one)
            self._release()
            if sys.stdin in ready and not self._obey():
                return

    def _obey(self) -> bool:
        line = sys.stdin.readline()
        if line:
            self.delay = float(line)
            print(self.round_trips, flush=True)
        return bool(line)

    def _accept(self) -> None:
        client = self._listener.accept()[0]
        server = socket.create_connection((LOOPBACK, self._target))
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._others[one] = other
        self._clients.add(client)

    def _receive(self, one: socket.socket) -> None:
        if one not in self._others:
            return  # its other half has gone in this very round
        data = b""
        with suppress(OSError):
            data = one.recv(CHUNK)
        if data:
            self._count(one)
            self._held.append((time.perf_counter() + self.delay, self._others[one], data))
        else:
            self._close(one)

    def _count(self, one: socket.socket) -> None:
        if one in self._clients:
            self._awaited.add(one)
        elif (client := self._others[one]) in self._awaited:
            self._awaited.discard(client)
            self.round_trips += 1

    def _release(self) -> None:
        while self._held and self._held[0][0] <= time.perf_counter():
            _, other, data = self._held.popleft()
            with suppress(OSError):  # it has gone
                other.sendall(data)

    def _close(self, one: socket.socket) -> None:
        for half in (one, self._others.pop(one)):
            self._others.pop(half, None)
            self._clients.discard(half)
            self._awaited.discard(half)
            half.close()


if __name__ == "__main__":
    proxy = Proxy(int(sys.argv[1]))
    print(proxy.port, flush=True)
    proxy.serve()
