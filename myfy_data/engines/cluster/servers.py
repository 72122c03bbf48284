"""The servers of a profile by address, in written order; a reload may add some and take some away (contract C12.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from sqlalchemy import Engine
from sqlalchemy.pool import Pool

from myfy_data.engines.cluster.server import Server
from myfy_data.engines.factory import OpenEngine
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import server_addresses


class Servers(dict[str, Server]):
    """The servers that the settings name.

    Args:
        profile: the profile's name.
        settings: the profile's settings.
        on_open: called with each engine that opens.
    """

    def __init__(self, profile: str, settings: DatabaseSettings, on_open: Callable[[Server, OpenEngine], None]) -> None:
        super().__init__()
        self._profile = profile
        self._on_open = on_open
        self._parted: list[Server] = []
        self._name(settings)

    def _name(self, settings: DatabaseSettings) -> None:
        before = dict(self)
        self.clear()
        for address in server_addresses(settings):
            known = before.pop(address, None)
            self[address] = known or Server(self._profile, settings, address, self._on_open)
        for server in before.values():
            server.leave(abort=False)
            self._parted.append(server)

    def adopt(self, settings: DatabaseSettings) -> Iterator[tuple[OpenEngine, DatabaseSettings]]:
        """Go by other settings; each engine with its own. What is in use of a server that is gone ends in peace."""
        self._name(settings)
        for server in self.values():
            yield from server.adopt(settings)

    @property
    def handles(self) -> list[OpenEngine]:
        """Every engine that is open."""
        return [handle for server in self.values() for handle in server.handles]

    @property
    def pools(self) -> list[Pool]:
        """Every pool with a connection in it or in use."""
        return [pool for server in (*self.values(), *self._parted) for pool in server.pools]

    def address_of(self, engine: Engine) -> str | None:
        """The server that an engine leads to; None where it is none of these."""
        return next((address for address, server in self.items() if server.has(engine)), None)

    async def close(self) -> None:
        """Close every connection, within `close_timeout`."""
        await asyncio.gather(*(server.close() for server in (*self.values(), *self._parted)))

    def abandon(self) -> None:
        """Let go of everything: the loop does not run."""
        for server in (*self.values(), *self._parted):
            server.abandon()
