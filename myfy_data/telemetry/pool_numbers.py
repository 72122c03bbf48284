"""What pools and clusters are doing now, by the names of `numbers`: looked up when it is collected (contract C12.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from myfy_data.engines.cluster.status import ClusterStatus
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.pool.status import build_status, pool_size
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.telemetry.numbers import (
    COUNT,
    FAILOVERS,
    IDLE_MAX,
    LAG,
    PENDING,
    POOL_NAME,
    ROLE,
    ROLES,
    SERVER,
    STATE,
    Attributes,
    Metric,
)


@dataclass(frozen=True, slots=True)
class PoolNumbers:
    """The pools of a module as they are now.

    Attributes:
        profiles: the profiles that may be opened; each has its series from the start.
        opened: gives the engines that are open.
        clusters: gives what is known of profiles with several servers, by profile.
    """

    profiles: Callable[[], Mapping[str, DatabaseSettings]]
    opened: Callable[[], Iterable[OpenEngine]]
    clusters: Callable[[], Iterable[tuple[str, ClusterStatus]]] = tuple

    def of(self, metric: Metric) -> Iterator[tuple[float, Attributes]]:
        """The values of one number, each with its attributes."""
        if metric in (ROLES, LAG, FAILOVERS):
            for profile, status in self.clusters():
                yield from ((value, {POOL_NAME: profile, **more}) for value, more in _of_cluster(metric, status))
            return
        engines = list(self.opened())
        for profile, settings in self.profiles().items():
            mine = [each for each in engines if each.profile == profile]
            for value, more in self._values(metric, profile, settings, mine):
                yield value, {POOL_NAME: profile, **more}

    def _values(
        self, metric: Metric, profile: str, settings: DatabaseSettings, engines: list[OpenEngine]
    ) -> Iterator[tuple[float, Attributes]]:
        size, loops = pool_size(settings), max(1, len(engines))
        status = build_status(profile, size, [each.engine.pool for each in engines])
        if metric is COUNT:
            yield status.checked_in, {STATE: "idle"}
            yield status.checked_out, {STATE: "used"}
        elif metric is PENDING:
            turns = sum(each.backend.recorder.pending_turns for each in engines if each.backend.recorder is not None)
            yield status.waiting + turns, {}
        elif metric is IDLE_MAX:
            yield size * loops, {}
        elif settings.url.is_memory:
            yield loops, {}
        elif settings.max_overflow >= 0:  # an unlimited maximum is none
            yield (size + settings.max_overflow) * loops, {}


def _of_cluster(metric: Metric, status: ClusterStatus) -> Iterator[tuple[float, Attributes]]:
    """What is known of several servers; the address is that of the settings."""
    if metric is FAILOVERS:
        yield status.failovers, {}
        return
    for host in status.hosts:
        if metric is ROLES:
            yield 1, {SERVER: host.address, ROLE: host.role}
        elif host.lag is not None:
            yield host.lag, {SERVER: host.address}
