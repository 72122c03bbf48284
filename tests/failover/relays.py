"""Relays in front of servers, which cut the line to one of them as a broken network does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.asyncio_servers import close_server
from tests.tcp_proxy import Relay


class Lines:
    """One relay for each server; clients use their addresses in place of the servers'."""

    def __init__(self, relays: Sequence[Relay]) -> None:
        self._relays = relays

    @property
    def addresses(self) -> list[str]:
        """Where the relays listen, in the servers' order."""
        return [f"127.0.0.1:{relay.port}" for relay in self._relays]

    def cut(self, index: int) -> None:
        """From now on nothing passes to and from a server, and no connection ends."""
        self._relays[index].black_hole()

    def heal(self, index: int) -> None:
        """Let everything pass again; connections that lost something end."""
        self._relays[index].heal()


@asynccontextmanager
async def lines_to(ports: Sequence[int]) -> AsyncIterator[Lines]:
    """Relays to servers of this machine."""
    async with AsyncExitStack() as stack:
        relays = []
        for port in ports:
            relay = Relay("127.0.0.1", port)
            server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
            relay.port = server.sockets[0].getsockname()[1]
            stack.push_async_callback(relay.close)
            stack.push_async_callback(close_server, server)
            relays.append(relay)
        yield Lines(relays)
