"""How a server of the tests stops listening."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE = 20.0
"""Seconds for what must not wait: more than a busy machine takes, less than what it would wait for."""

_TURNS = 3
"""Of the loop: a connection that was accepted meets its server, then its protocol, then its handler."""


async def close_server(server: asyncio.Server) -> None:
    """Stop listening, when every accepted connection has met its handler.

    `Server.close()` alone drops a connection that was accepted a turn ago, and leaves its socket to the garbage
    collector, which complains in any later test (https://github.com/python/cpython/issues/109564).
    """
    loop = asyncio.get_running_loop()
    for door in server.sockets:
        loop.remove_reader(door.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    server.close()


@asynccontextmanager
async def black_hole(guests: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port of a server that accepts and never answers; set when so many were in it at the same time."""
    inside: set[asyncio.StreamWriter] = set()
    together = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside.add(writer)
        if len(inside) >= guests:
            together.set()
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        writer.transport.abort()
        inside.discard(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], together
    finally:
        await close_server(server)
