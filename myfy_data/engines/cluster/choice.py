"""Which of a profile's servers a connection comes from, by what the monitor knows (contract C11.2; ADR 33)."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping

from myfy_data.engines.cluster.monitor import Monitor
from myfy_data.engines.cluster.route import Route
from myfy_data.engines.cluster.server import Server


class Choice:
    """Chooses among the servers of one profile.

    Args:
        servers: every server by address.
        monitor: gives what looks at them, at work.
        max_lag: gives the seconds that a replica may be behind.
    """

    def __init__(
        self, servers: Mapping[str, Server], monitor: Callable[[], Monitor], max_lag: Callable[[], float]
    ) -> None:
        self._servers = servers
        self._monitor = monitor
        self._max_lag = max_lag

    def choose(self, route: Route, shunned: Collection[str] = ()) -> Server | None:
        """The server of a connection; None while there is none, so that the next look is to be waited for.

        Args:
            route: which servers may serve.
            shunned: those that could not be connected to since the last look.
        """
        monitor = self._monitor()
        address = monitor.succession.primary
        primary = self._servers[address] if address is not None and address not in shunned else None
        if route.source == "primary":
            return primary if route.read_only or not monitor.is_in_doubt else None
        replica = self.least_used(shunned)
        if replica is not None or route.source == "replica" or not monitor.is_settled:
            return replica
        return primary

    def least_used(self, shunned: Collection[str]) -> Server | None:
        """The replica that serves fewest readers, of several such by chance; None when none serves."""
        healthy = [one for one in self._servers.values() if one.address not in shunned and self.serves_reads(one)]
        fewest = min((server.reads_in_use for server in healthy), default=0)
        equal = [server for server in healthy if server.reads_in_use == fewest]
        return random.choice(equal) if equal else None  # noqa: S311 - no secret

    def serves_reads(self, server: Server) -> bool:
        """Whether it is a replica that is near enough."""
        monitor = self._monitor()
        lag = monitor.lag(server.address)
        return monitor.role(server.address) == "replica" and lag is not None and lag <= self._max_lag()
