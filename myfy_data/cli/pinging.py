"""Connecting to profiles, all at once: what `ping` renders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from myfy_data.cli.effective import is_required
from myfy_data.engines.registry import EngineRegistry
from myfy_data.engines.status import PingResult
from myfy_data.errors import ConfigError, DataModuleError, Problem
from myfy_data.redaction import redact_url
from myfy_data.settings.root import DataSettings


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of connecting to one profile.

    Attributes:
        profile: the profile's name.
        target: the server, without a password.
        needed: whether a failure makes the command fail: the profile is required, or was named.
        server: what answered, such as `PostgreSQL 15.20`; None when nothing did.
        latency: seconds for one round trip; None when nothing answered.
        writable: whether the server takes writes; None when nothing answered, for a `read_only` profile, for SQLite.
        error: why nothing did; None when all is well.
        misconfigured: whether that is the configuration's fault, so that no connection was tried.
        pool_size: connections that the pool keeps.
        max_overflow: connections allowed beyond that.
        pool_timeout: seconds to wait for one.
    """

    profile: str
    target: str
    needed: bool
    server: str | None
    latency: float | None
    writable: bool | None
    error: str | None
    misconfigured: bool
    pool_size: int
    max_overflow: int
    pool_timeout: float

    def as_json(self) -> dict[str, Any]:
        """The answer as `--json` gives it."""
        return {
            "profile": self.profile,
            "ok": self.error is None,
            "needed": self.needed,
            "target": self.target,
            "server": self.server,
            "latency": self.latency,
            "writable": self.writable,
            "pool": {"size": self.pool_size, "max_overflow": self.max_overflow, "timeout": self.pool_timeout},
            "error": self.error,
        }


def profiles_to_ping(settings: DataSettings, named: Sequence[str]) -> list[str]:
    """The profiles to connect to: those named, each once, else all that are active.

    Raises:
        UnknownProfileError: a name is not declared.
        ConfigError: a named profile is inactive, so nothing may open it.
    """
    if not named:
        return [name for name, profile in settings.profiles.items() if profile.active]
    names = list(dict.fromkeys(settings.resolve_name(name) for name in named))
    inactive = [_inactive(settings, name) for name in names if not settings.profiles[name].active]
    if inactive:
        raise ConfigError(inactive)
    return names


def connect(settings: DataSettings, names: Sequence[str], *, named: bool) -> list[Answer]:
    """As `ping_profiles`, in an event loop of its own."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Impatient())
        return runner.run(ping_profiles(settings, names, named=named))


async def ping_profiles(settings: DataSettings, names: Sequence[str], *, named: bool) -> list[Answer]:
    """Connect to all of them at once; no failure of one hides another.

    Args:
        settings: the loaded settings.
        names: the profiles, each declared and active.
        named: whether the caller named them, so that each failure counts.
    """
    registry = EngineRegistry(settings.profiles)
    try:
        return list(await asyncio.gather(*(_ping(registry, settings, name, named=named) for name in names)))
    finally:
        # What answered is told even where a connection does not close as it should.
        with contextlib.suppress(Exception):
            await registry.close()


async def _ping(registry: EngineRegistry, settings: DataSettings, name: str, *, named: bool) -> Answer:
    profile = settings.profiles[name]
    result: PingResult | None = None
    failure: DataModuleError | None = None
    try:
        result = await registry.ping(name)
    except DataModuleError as error:
        failure = error
    return Answer(
        profile=name,
        target=redact_url(str(profile.url)),
        needed=named or is_required(settings, name),
        server=result.server if result else None,
        latency=result.latency if result else None,
        writable=result.writable if result else None,
        error=str(failure) if failure else None,
        misconfigured=isinstance(failure, ConfigError),
        pool_size=registry.status(name).size,
        max_overflow=profile.max_overflow,
        pool_timeout=profile.pool_timeout,
    )


def _inactive(settings: DataSettings, name: str) -> Problem:
    path = ("profiles", name, "active")
    fix = f"myfy-data ping {name} --set profiles.{name}.active=true"
    return Problem(str(settings.origin_at(path)), ".".join(path), "is false, so nothing opens this profile", (), fix)


class _Impatient(ThreadPoolExecutor):
    """Threads that are not waited for: a host name may keep one far beyond `connect_timeout`."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 - as the base
        super().shutdown(wait=False, cancel_futures=cancel_futures)
