"""A relay between us and a server, which loses answers or connections when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.asyncio_servers import close_server

CHUNK = 65536


def _nothing() -> None:
    """What comes then, by default."""


class Relay:
    """Passes bytes on, both ways, until it is told otherwise.

    Attributes:
        port: where it listens, on 127.0.0.1.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers = self._hears = True
        self._then: Callable[[], object] = _nothing

    def lose_answers(self, then: Callable[[], object] = _nothing) -> None:
        """From now on the server hears us, and we never hear it; `then` is called for what the server says."""
        self._answers, self._then = False, then

    def black_hole(self) -> None:
        """From now on neither side hears the other, and no connection ends: a network that is cut."""
        self._answers = self._hears = False

    def reset(self) -> None:
        """Cut every connection at once; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def heal(self) -> None:
        """Pass everything on again; connections that lost something are cut."""
        self._answers = self._hears = True
        self.reset()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self._keep(asyncio.current_task())
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # no server behind us, or the test is over
            return
        self._writers += [writer, server_writer]
        for source, sink, is_answer in ((reader, server_writer, False), (server_reader, writer, True)):
            self._keep(asyncio.create_task(self._pass_on(source, sink, is_answer=is_answer)))

    def _keep(self, task: asyncio.Task[None] | None) -> None:
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool) -> None:
        try:
            while data := await source.read(CHUNK):
                if not (self._answers if is_answer else self._hears):
                    if is_answer:
                        self._then()
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass  # the connection was reset, as tests do
        finally:
            sink.close()

    async def close(self) -> None:
        """Reset every connection and wait until none is served."""
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay to the server of a URL, and the URL that leads through it."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "127.0.0.1", parts.port or 0)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    account = parts.netloc.rpartition("@")[0]
    try:
        yield relay, parts._replace(netloc=f"{account}@127.0.0.1:{relay.port}").geturl()
    finally:
        await close_server(server)
        await relay.close()
