"""A line to a server that knows the statements which pass it: in threads, so that any loop can be on the other end."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)
_QUERY, _PARSE, _BIND = b"Q", b"P", b"B"
_COM_QUERY = 3

Hear = Callable[["Connection", str, bytes], None]
Address = tuple[str, int] | str


class Connection:
    """One connection that passes.

    Attributes:
        is_silent: whether nothing goes through any more.
        loses_answer: whether the next answer is thrown away, and the connection with it.
    """

    is_silent = False
    loses_answer = False

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server

    def to_server(self, message: bytes) -> None:
        """Send a message on."""
        if not self.is_silent:
            self._server.sendall(message)

    def reset(self) -> None:
        """Reset the connection, as a peer that is gone does."""
        with suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """End both sides."""
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RD)  # wakes the thread that reads, without a word to the peer
            side.close()

    def pump_answers(self) -> None:
        """Bring the server's answers to the client until one side ends."""
        with suppress(OSError):
            while data := self._server.recv(_CHUNK):
                if self.loses_answer:
                    self.reset()
                    return
                if not self.is_silent:
                    self._client.sendall(data)
        if not self.is_silent:
            self.close()

    def pump_messages(
        self, messages: Callable[[Callable[[int], bytes]], Iterator[tuple[bytes, str]]], hear: Hear
    ) -> None:
        """Bring the client's messages to the server until one side ends."""
        with suppress(OSError, EOFError):
            for message, sql in messages(self._read):
                if sql and not self.is_silent:
                    hear(self, sql, message)
                else:
                    self.to_server(message)
        self.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._client.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data


class Proxy:
    """Listens on this machine and connects to a server.

    Args:
        backend: whose protocol is spoken: `postgresql` or `mysql`.
        server: host and port, or the path of a socket.
    """

    def __init__(self, backend: str, server: Address) -> None:
        self._messages = postgresql_messages if backend == "postgresql" else mysql_messages
        self._server = server
        self._listener = socket.socket()
        self._connections: list[Connection] = []

    def start(self, hear: Hear) -> int:
        """Listen; the port.

        Args:
            hear: decides what becomes of each statement.
        """
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self._run(self._accept, hear)
        port: int = self._listener.getsockname()[1]
        return port

    def _accept(self, hear: Hear) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                connection = Connection(client, _connect(self._server))
                self._connections.append(connection)
                self._run(connection.pump_answers)
                self._run(connection.pump_messages, self._messages, hear)

    @staticmethod
    def _run(target: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, name="myfy-data-faults", daemon=True).start()

    def close(self) -> None:
        """End everything that passes."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        for connection in self._connections:
            connection.reset()


def _connect(address: Address) -> socket.socket:
    if isinstance(address, str):
        line = socket.socket(socket.AF_UNIX)
        line.connect(address)
        return line
    return socket.create_connection(address)


def postgresql_messages(read: Callable[[int], bytes]) -> Iterator[tuple[bytes, str]]:
    """A client's messages, each with the statement that it executes, or without one."""
    size = read(4)
    yield size + read(int.from_bytes(size, "big") - 4), ""  # the start-up message; TLS has not been asked for yet
    prepared: dict[bytes, str] = {}
    while True:
        head = read(5)
        body = read(int.from_bytes(head[1:], "big") - 4)
        kind, sql = head[:1], ""
        if kind == _QUERY:
            sql = body[:-1].decode("utf-8", "replace")
        elif kind == _PARSE:
            name, text, _ = body.split(b"\0", 2)
            prepared[name] = text.decode("utf-8", "replace")
        elif kind == _BIND:
            sql = prepared.get(body.split(b"\0", 2)[1], "")
        yield head + body, sql


def mysql_messages(read: Callable[[int], bytes]) -> Iterator[tuple[bytes, str]]:
    """A client's packets, each with the statement that it executes, or without one."""
    while True:
        head = read(4)
        body = read(int.from_bytes(head[:3], "little"))
        is_query = head[3] == 0 and body[:1] == bytes((_COM_QUERY,))
        yield head + body, body[1:].decode("utf-8", "replace") if is_query else ""
