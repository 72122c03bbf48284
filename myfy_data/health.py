"""Health: which profiles answer now (contract C4). What it says holds no host, user or secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from myfy_data.engines.status import PingResult
from myfy_data.errors import DatabaseConnectionError

_READ_ONLY = "the server takes no writes: it is read-only, or a replica"


@dataclass(frozen=True, slots=True)
class ProfileHealth:
    """Whether one profile answered.

    Attributes:
        ok: it answered within its `connect_timeout`, and takes writes where the profile is not `read_only`.
        latency: seconds until the answer, or until it was given up.
        error: what went wrong, in one line that may be shown to anybody; None when it answered.
        required: whether its failure makes the whole unhealthy.
        writable: whether the server takes writes; None when it did not answer, for a `read_only` profile, for SQLite.
    """

    ok: bool
    latency: float
    error: str | None
    required: bool
    writable: bool | None = None


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
        """Every required profile answered, and another one did not."""
        return self.ok and not all(profile.ok for profile in self.profiles.values())


class Prober(Protocol):
    """What asks a profile's server for an answer, within the profile's `connect_timeout` and beside its pool."""

    async def probe(self, profile: str) -> PingResult | None:
        """Ask; an exception is the answer no."""
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
    writable: bool | None = None
    try:
        answer = await registry.probe(name)
        writable = answer.writable if answer is not None else None
    except Exception as failure:  # noqa: BLE001 - whatever it is, the profile is not healthy
        error = _describe(failure)
    if writable is False:
        error = _READ_ONLY
    return ProfileHealth(error is None, time.perf_counter() - started, error, required, writable)


def _describe(failure: Exception) -> str:
    """The failure in words that name neither server nor user: a health page is read by anybody."""
    if isinstance(failure, DatabaseConnectionError):
        cause = failure.__cause__
        return "cannot connect" if cause is None else f"cannot connect: {type(cause).__name__}"
    return type(failure).__name__
