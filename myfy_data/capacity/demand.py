"""The arithmetic: how many processes run, and what each may open (contract C11.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.root_tables import CapacitySettings
from myfy_data.settings.servers import has_several_servers, reader_addresses

MIGRATIONS = 2
"""Connections of a migration, which runs beside the application: the lock's and its own."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What one process may open of one profile on one server.

    Attributes:
        profile: the profile's name.
        size: connections that the pool keeps.
        overflow: connections allowed beyond that; -1 for no limit.
        monitors: connections of the monitor, outside the pool.
        reads: whether `reads.pool_size` is its size.
    """

    profile: str
    size: int
    overflow: int
    monitors: int = 0
    reads: bool = False

    @property
    def most(self) -> int | None:
        """Connections at most; None without a limit."""
        return None if self.overflow < 0 else self.size + self.overflow + self.monitors


def pool_of(profile: str, settings: DatabaseSettings, server: str) -> Pool:
    """The most that a profile's settings ask for on one of its servers.

    Each of `hosts` may become the primary, and is a replica until then: the larger of the two pools counts.
    """
    if not has_several_servers(settings):
        return Pool(profile, settings.pool_size, settings.max_overflow)
    main = Pool(profile, settings.pool_size, settings.max_overflow, monitors=1)
    reads = Pool(profile, settings.reads.pool_size or settings.pool_size, 0, monitors=1, reads=True)
    if server in reader_addresses(settings):
        return reads
    if settings.reads.from_ == "primary" or main.most is None or main.most >= (reads.most or 0):
        return main
    return reads


def processes(capacity: CapacitySettings) -> int:
    """Processes that run at the same time, those of a rolling update included."""
    surge = Fraction(str(capacity.surge))  # as it is written: 100 x (1 + 0.1) are 110 processes, not 111
    return math.ceil(capacity.instances * capacity.workers * (1 + surge))


def needed(pools: list[Pool], count: int) -> int | None:
    """Connections that so many processes open at most; None without a limit."""
    each = [pool.most for pool in pools]
    known = [most for most in each if most is not None]
    return None if len(known) < len(each) else count * sum(known) + MIGRATIONS
