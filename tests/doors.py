"""How a server of the tests stops listening."""

from __future__ import annotations

import asyncio

_TURNS = 3
"""Of the loop: a connection that was accepted meets its server, then its protocol, then whoever serves it."""


async def close_door(server: asyncio.Server) -> None:
    """Stop listening, when everybody who was let in has met whoever serves them.

    `Server.close()` alone drops a connection that was accepted a turn ago, and leaves its socket to the garbage
    collector, which complains in any later test (https://github.com/python/cpython/issues/109564).
    """
    loop = asyncio.get_running_loop()
    for door in server.sockets:
        loop.remove_reader(door.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    server.close()
