"""What a pool is doing, and what a ping found: plain numbers for health, metrics and commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.pool import Pool, QueuePool

from myfy_data.settings.models import DatabaseSettings


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A snapshot of one profile's pool.

    Attributes:
        profile: the profile's name.
        size: connections that the pool keeps.
        checked_in: open connections that are idle.
        checked_out: connections in use.
        overflow: connections in use or idle beyond `size`.
        waiting: tasks that wait for a connection.
    """

    profile: str
    size: int
    checked_in: int
    checked_out: int
    overflow: int
    waiting: int


@dataclass(frozen=True, slots=True)
class PingResult:
    """The answer to a ping.

    Attributes:
        profile: the profile's name.
        server: product and version, such as `PostgreSQL 15.20`.
        latency: seconds that one round trip took, connecting not counted.
        writable: whether the server takes writes; None where the profile is read-only, and for SQLite.
    """

    profile: str
    server: str
    latency: float
    writable: bool | None = None


def pool_size(settings: DatabaseSettings) -> int:
    """Connections that the profile's pool keeps; `:memory:` lives on one (contract C9)."""
    return 1 if settings.url.is_memory else settings.pool_size


def build_status(profile: str, size: int, pools: Iterable[Pool]) -> PoolStatus:
    """The sum of the pools that one profile has in this process; zeros when there are none."""
    queues = [pool for pool in pools if isinstance(pool, QueuePool)]
    return PoolStatus(
        profile,
        size,
        checked_in=sum(pool.checkedin() for pool in queues),
        checked_out=sum(pool.checkedout() for pool in queues),
        overflow=sum(max(0, pool.overflow()) for pool in queues),
        waiting=sum(getattr(pool, "waiting", 0) for pool in queues),
    )


def describe_server(backend: str, version: str) -> str:
    """Product and version from what the server says of itself.

    `10.11.6-MariaDB-0+deb12u1` is `MariaDB 10.11.6`; `15.18 (Debian 15.18-0+deb12u1)` is `PostgreSQL 15.18`.
    """
    number = version.split(" ", 1)[0].split("-", 1)[0]
    if backend == "mysql":
        return f"{'MariaDB' if 'mariadb' in version.lower() else 'MySQL'} {number}"
    return f"{'PostgreSQL' if backend == 'postgresql' else 'SQLite'} {number}"
