"""Health: which profiles answer now (contract C4, C12.1). What it says holds no host, user or secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from myfy_data.engines.cluster.errors import ClusterError, ReplicaUnavailable
from myfy_data.engines.cluster.status import ClusterStatus, HostStatus
from myfy_data.engines.pool.status import PingResult, PoolStatus, role_of
from myfy_data.errors import (
    DatabaseConnectionError,
    DatabaseTimeoutError,
    DataModuleError,
    DataModuleNotConfiguredError,
    ReadOnlySessionError,
)

ProfileStatus = Literal["ok", "degraded", "down", "unknown"]
"""`degraded`: answers, and is short of something; `unknown`: nothing has asked it."""

ServerRole = Literal["primary", "replica"]

_NO_USE = ("down", "stale", "stranger")

_READ_ONLY = "the server takes no writes: it is read-only, or a replica"


@dataclass(frozen=True, slots=True)
class ProfileHealth:
    """Whether one profile answered.

    Attributes:
        ok: it answered within its `connect_timeout`, and takes writes where the profile is not `read_only`.
        latency: seconds until the answer, or until it was given up.
        error: what went wrong, in one line that may be public; None when it answered.
        required: whether its failure makes the whole unhealthy.
        writable: whether the server takes writes; None when it did not answer, for a `read_only` profile, for SQLite.
        pool: what the profile's pool was doing then; None where that was not asked.
        error_class: the name of the class of ours that the failure is one of; None when it answered.
        hosts: each of the profile's servers with role and lag, in written order (contract C11.5); none for SQLite. They
            have addresses, which no public page tells.
    """

    ok: bool
    latency: float
    error: str | None
    required: bool
    writable: bool | None = None
    pool: PoolStatus | None = None
    error_class: str | None = None
    hosts: tuple[HostStatus, ...] = field(default=(), repr=False)

    @property
    def status(self) -> ProfileStatus:
        """`down` when it did not answer; `degraded` when it is short of something; else `ok`.

        It is, when tasks wait for a connection of its pool, or one of its servers is no use.
        """
        if not self.ok:
            return "down"
        is_short = any(host.role in _NO_USE for host in self.hosts)
        return "degraded" if is_short or is_saturated(self.pool) else "ok"

    @property
    def role(self) -> ServerRole | None:
        """What the server is to a profile that writes; None when it is not known."""
        return role_of(self.writable)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Whether every required profile answered.

    Attributes:
        profiles: each profile that was asked, by name.
    """

    profiles: Mapping[str, ProfileHealth]

    @property
    def ok(self) -> bool:
        """Every required profile answered."""
        return all(profile.ok for profile in self.profiles.values() if profile.required)

    @property
    def degraded(self) -> bool:
        """Every required profile answered, and one profile is not `ok`."""
        return self.ok and not all(profile.status == "ok" for profile in self.profiles.values())

    @property
    def status(self) -> ProfileStatus:
        """`down` when a required profile is; `degraded` when any profile is not `ok`; else `ok`."""
        if not self.ok:
            return "down"
        return "degraded" if self.degraded else "ok"


class Prober(Protocol):
    """What asks a profile's server for an answer, within the profile's `connect_timeout` and beside its pool."""

    async def probe(self, profile: str) -> PingResult | None:
        """Ask; an exception is the answer no."""
        ...

    def cluster_status(self, profile: str, role: str) -> ClusterStatus:
        """What is known of each of its servers; one alone has the role that is given."""
        ...

    def status(self, profile: str) -> PoolStatus:
        """What the profile's pool is doing."""
        ...


async def check_health(registry: Prober, profiles: Iterable[str], required: Collection[str]) -> HealthReport:
    """Ask all profiles at once.

    Args:
        registry: what asks them.
        profiles: names of the profiles to ask.
        required: names of those whose failure makes the whole unhealthy.
    """
    names = list(profiles)
    answers = await asyncio.gather(*(_probe(registry, name, required=name in required) for name in names))
    return HealthReport(dict(zip(names, answers, strict=True)))


async def _probe(registry: Prober, name: str, *, required: bool) -> ProfileHealth:
    started = time.perf_counter()
    error: str | None = None
    error_class: str | None = None
    writable: bool | None = None
    role = "unknown"
    try:
        answer = await registry.probe(name)
        writable = answer.writable if answer is not None else None
        role = role_of(writable) or role
    except Exception as failure:  # noqa: BLE001 - whatever it is, the profile is not healthy
        error, error_class, role = _describe(failure), class_of(failure), "down"
    if writable is False:
        error, error_class = _READ_ONLY, ReadOnlySessionError.__name__
    latency = time.perf_counter() - started
    pool, hosts = registry.status(name), _hosts(registry, name, role)
    return ProfileHealth(error is None, latency, error, required, writable, pool, error_class, hosts)


def _hosts(registry: Prober, name: str, role: str) -> tuple[HostStatus, ...]:
    try:
        return registry.cluster_status(name, role).hosts
    except DataModuleNotConfiguredError:
        return ()  # the module was stopped meanwhile


def _describe(failure: Exception) -> str:
    """The failure in words that name neither server nor user: a health page is public."""
    if isinstance(failure, ClusterError):
        return "no replica can serve now" if isinstance(failure, ReplicaUnavailable) else "no primary"
    if isinstance(failure, DatabaseConnectionError):
        cause = failure.__cause__
        return "cannot connect" if cause is None else f"cannot connect: {type(cause).__name__}"
    return type(failure).__name__


def class_of(failure: BaseException) -> str:
    """The name of the class of ours that a failure is one of (contract C12.1)."""
    if isinstance(failure, DataModuleError):
        return type(failure).__name__
    return (DatabaseTimeoutError if isinstance(failure, TimeoutError) else DatabaseConnectionError).__name__


def is_saturated(pool: PoolStatus | None) -> bool:
    """Whether tasks wait for a connection of the pool."""
    return pool is not None and pool.waiting > 0
