"""What a pool is doing, and what a ping found: plain numbers for health, metrics and commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.pool import Pool, QueuePool

from myfy_data.settings.database_settings import DatabaseSettings


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

    @property
    def role(self) -> Literal["primary", "replica"] | None:
        """What the server is to a profile that writes; None where that does not matter, or is not known."""
        return role_of(self.writable)


def role_of(writable: bool | None) -> Literal["primary", "replica"] | None:  # noqa: FBT001 - as `PingResult` has it
    """What a server is that takes writes, or does not."""
    return None if writable is None else "primary" if writable else "replica"


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
