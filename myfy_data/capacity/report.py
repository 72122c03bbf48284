"""What each server needs to take, and whether it does (contract C11.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from myfy_data.capacity.demand import Pool, needed, pool_of, processes
from myfy_data.capacity.sizes import TOO_MANY_PROCESSES, sizes_that_fit, written
from myfy_data.engines.limits import ConnectionLimits
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings


class LimitReader(Protocol):
    """What asks a profile's server for its limits, beside the pool."""

    async def limits(self, profile: str) -> list[ConnectionLimits]:
        """Those of each of its servers; none for a database without one."""
        ...


@dataclass(frozen=True, slots=True)
class ServerCapacity:
    """One server under the whole application.

    Attributes:
        server: host and port.
        limit: the limit that holds first; None where the server has none, or a pooler stands before it.
        needed: connections that the application may open; None without a limit (`max_overflow = -1`).
        fits: whether they are no more than the limit.
        profiles: the profiles that need them.
        fix: sizes that would fit; empty when these do.
        of_limit: which limit it is, in words.
        arithmetic: how `needed` comes about.
    """

    server: str
    limit: int | None
    needed: int | None
    fits: bool
    profiles: tuple[str, ...]
    fix: str = ""
    of_limit: str = ""
    arithmetic: str = ""

    def as_json(self) -> dict[str, object]:
        """The answer as `--json` gives it."""
        names = ("server", "limit", "needed", "fits")
        return {name: getattr(self, name) for name in names} | {"profiles": list(self.profiles), "fix": self.fix}

    def __str__(self) -> str:
        """One line: limit, arithmetic and verdict."""
        asked = "no limit, because max_overflow is -1" if self.needed is None else str(self.needed)
        verdict = "" if self.fits else ": too many"
        return f"{self.of_limit}, {self.arithmetic}needs {asked}{verdict}"


@dataclass(frozen=True, slots=True)
class _Bound:
    """One limit, and the pools that it holds for."""

    words: str
    limit: int
    pools: list[Pool]

    def excess(self, count: int) -> float:
        """How far the pools go beyond the limit; less than nothing where they fit."""
        wanted = needed(self.pools, count)
        return float("inf") if wanted is None else wanted - self.limit


async def read_capacity(settings: DataSettings, reader: LimitReader, profiles: Sequence[str]) -> list[ServerCapacity]:
    """Ask every server of these profiles for its limits, all at once, and compare.

    Args:
        settings: the settings, with `capacity`.
        reader: asks a server.
        profiles: names of active profiles.

    Raises:
        DataModuleError: a server did not answer.
    """
    told = await asyncio.gather(*(reader.limits(name) for name in profiles))
    servers: dict[str, dict[str, ConnectionLimits]] = {}
    for name, limits in zip(profiles, told, strict=True):
        for limit in limits:
            servers.setdefault(limit.server, {})[name] = limit
    count = processes(settings.capacity)
    return [_judged(server, members, settings, count) for server, members in servers.items()]


def _judged(server: str, members: Mapping[str, ConnectionLimits], settings: DataSettings, count: int) -> ServerCapacity:
    bounds = list(_bounds(members, settings.profiles))
    if not bounds:
        pools = [pool_of(name, settings.profiles[name], server) for name in members]
        return ServerCapacity(server, None, needed(pools, count), True, tuple(members), "", "no limit that is told")
    # The tightest one decides; where all fit, it is the one with the least left.
    bound = max(bounds, key=lambda bound: bound.excess(count))
    fits = bound.excess(count) <= 0
    names = tuple(pool.profile for pool in bound.pools)
    fix = "" if fits else _fix(bound, count, settings.profiles[names[0]])
    arithmetic = _arithmetic(settings, bound.pools)
    return ServerCapacity(server, bound.limit, needed(bound.pools, count), fits, names, fix, bound.words, arithmetic)


def _bounds(members: Mapping[str, ConnectionLimits], profiles: Mapping[str, DatabaseSettings]) -> Iterator[_Bound]:
    """Each limit with all pools under it: the server's for all, a role's and a database's for their own."""
    under: dict[tuple[str, str, int], list[Pool]] = {}
    for name, limits in members.items():
        settings, url = profiles[name], profiles[name].url
        if settings.pooler == "pgbouncer":
            continue  # what it opens on the server is its own setting
        kinds = (
            ("server", "", limits.connections),
            ("role", str(url.username or ""), limits.role),
            ("database", str(url.database or ""), limits.database),
        )
        for kind, which, limit in kinds:
            if limit is not None:
                under.setdefault((kind, which, limit), []).append(pool_of(name, settings, limits.server))
    for (kind, _, limit), pools in under.items():
        yield _Bound(f"limit {limit} of the {kind}", limit, pools)


def _arithmetic(settings: DataSettings, pools: list[Pool]) -> str:
    if any(pool.overflow < 0 for pool in pools):
        return ""
    capacity = settings.capacity
    surge = f" x {1 + capacity.surge:g}" if capacity.surge else ""
    each = " + ".join(_sum(pool) for pool in pools)
    return f"{capacity.instances} x {capacity.workers}{surge} x ({each}) + 2, "


def _sum(pool: Pool) -> str:
    parts = [pool.size, *([] if pool.reads else [pool.overflow]), *([pool.monitors] if pool.monitors else [])]
    return " + ".join(map(str, parts))


def _fix(bound: _Bound, count: int, settings: DatabaseSettings) -> str:
    sizes = sizes_that_fit(bound.pools, count, bound.limit)
    pooler = ', or pooler = "pgbouncer" behind PgBouncer' if settings.url.backend == "postgresql" else ""
    if sizes is None:
        return f"{TOO_MANY_PROCESSES}{pooler}"
    each = sum(pool.most or 0 for pool in sizes)
    return f"{written(sizes)} ({count} x {each} + 2 = {needed(sizes, count)}){pooler}"
