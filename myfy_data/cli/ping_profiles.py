"""Connecting to profiles, all at once: what `ping` renders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from myfy_data.engines.cluster.status import HostStatus
from myfy_data.engines.pool.status import PingResult
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DatabaseTimeoutError, DataModuleError, Problem
from myfy_data.redaction import redact_url
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.effective import is_required


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of connecting to one profile.

    Attributes:
        profile: the profile's name.
        target: the server, without a password.
        needed: whether a failure makes the command fail: the profile is required, or was named; without a
            default profile every one is that does not say otherwise.
        server: what answered, such as `PostgreSQL 15.20`; None when nothing did.
        latency: seconds for one round trip; None when nothing answered.
        writable: whether the server takes writes; None when nothing answered, for a `read_only` profile, for SQLite.
        error: why nothing did; None when all is well.
        misconfigured: whether that is the configuration's fault, so that no connection was tried.
        pool_size: connections that the pool keeps.
        max_overflow: connections allowed beyond that.
        pool_timeout: seconds to wait for one.
        hosts: each server with its role and lag, in written order (contract C11.5); none for SQLite.
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
    hosts: tuple[HostStatus, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The answer as `--json` gives it."""
        return {
            "profile": self.profile,
            "ok": self.error is None,
            "needed": self.needed,
            "target": self.target,
            "server": self.server,
            "latency": self.latency,
            "writable": self.writable,
            "hosts": [_host_json(host) for host in self.hosts],
            "pool": {"size": self.pool_size, "max_overflow": self.max_overflow, "timeout": self.pool_timeout},
            "error": self.error,
        }


def _host_json(host: HostStatus) -> dict[str, object]:
    return {"address": host.address, "role": host.role, "lag": host.lag, "error": host.error}


BETWEEN_TRIES: float = 0.5
"""Seconds between the end of one try and the next: a server that starts is not kept busy with refusing."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a try is given up.

    Attributes:
        remaining: seconds from now.
        seconds: what the whole wait was given.
    """

    remaining: float
    seconds: float


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


def connect(settings: DataSettings, names: Sequence[str], *, named: bool, seconds: float | None = None) -> list[Answer]:
    """As `ping_profiles`, in an event loop of its own; as `wait_for_profiles` where a wait is given."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Impatient())
        if seconds is None:
            return runner.run(ping_profiles(settings, names, named=named))
        return runner.run(wait_for_profiles(settings, names, named=named, seconds=seconds))


async def wait_for_profiles(
    settings: DataSettings, names: Sequence[str], *, named: bool, seconds: float
) -> list[Answer]:
    """Try until every profile that matters answers, or the time is over; what the last try came to (contract C12.1).

    A profile that cannot even be tried ends it at once: no server that starts will mend the configuration.

    Args:
        settings: the loaded settings.
        names: the profiles, each declared and active.
        named: whether the caller named them, so that each failure counts.
        seconds: how long to try.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while True:
        answers = await ping_profiles(settings, names, named=named, deadline=Deadline(end - clock(), seconds))
        is_over = clock() >= end or any(answer.misconfigured for answer in answers)
        if is_over or not any(answer.error and answer.needed for answer in answers):
            return answers
        await asyncio.sleep(min(BETWEEN_TRIES, max(0.0, end - clock())))


async def ping_profiles(
    settings: DataSettings, names: Sequence[str], *, named: bool, deadline: Deadline | None = None
) -> list[Answer]:
    """Connect to all of them at once; no failure of one hides another.

    Args:
        settings: the loaded settings.
        names: the profiles, each declared and active.
        named: whether the caller named them, so that each failure counts.
        deadline: when to give up, where that may be before their `connect_timeout`.
    """
    registry = EngineRegistry(settings.profiles)
    try:
        tries = (_ping(registry, settings, name, named=named, deadline=deadline) for name in names)
        return list(await asyncio.gather(*tries))
    finally:
        # What answered is told even where a connection does not close as it should.
        with contextlib.suppress(Exception):
            await registry.close()


async def _ping(
    registry: EngineRegistry, settings: DataSettings, name: str, *, named: bool, deadline: Deadline | None
) -> Answer:
    profile = settings.profiles[name]
    result: PingResult | None = None
    failure: DataModuleError | None = None
    try:
        settings.require_engines([name])
        async with asyncio.timeout(deadline.remaining if deadline else None):
            result = await registry.ping(name, seconds=profile.connect_timeout)
    except DataModuleError as error:
        failure = error
    except TimeoutError:
        failure = _waited_in_vain(name, deadline)
    return Answer(
        profile=name,
        target=redact_url(str(profile.url)),
        # Where there is no default profile, nothing would be required, and exit code 0 said whatever failed.
        needed=named or is_required(settings, name) or (settings.default is None and profile.required is None),
        server=result.server if result else None,
        latency=result.latency if result else None,
        writable=result.writable if result else None,
        error=str(failure) if failure else None,
        misconfigured=isinstance(failure, ConfigError),
        pool_size=registry.status(name).size,
        max_overflow=profile.max_overflow,
        pool_timeout=profile.pool_timeout,
        hosts=_hosts(registry, name, result, failure),
    )


def _hosts(
    registry: EngineRegistry, name: str, result: PingResult | None, failure: DataModuleError | None
) -> tuple[HostStatus, ...]:
    if isinstance(failure, ConfigError | ImportError):  # no engine could be opened
        return ()
    return registry.cluster_status(name, "down" if result is None else result.role or "unknown").hosts


def _waited_in_vain(name: str, deadline: Deadline | None) -> DatabaseTimeoutError:
    seconds = deadline.seconds if deadline else 0.0
    message = f"profile {name!r}: no answer within the {seconds:g} s of --wait\n  fix: --wait {2 * seconds:g}"
    return DatabaseTimeoutError(name, "connect", seconds, message)


def _inactive(settings: DataSettings, name: str) -> Problem:
    path = ("profiles", name, "active")
    fix = f"myfy-data ping {name} --set profiles.{name}.active=true"
    return Problem(str(settings.origin_at(path)), ".".join(path), "is false, so nothing opens this profile", (), fix)


class _Impatient(ThreadPoolExecutor):
    """Threads that are not waited for: a host name may keep one far beyond `connect_timeout`."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 - as the base
        super().shutdown(wait=False, cancel_futures=cancel_futures)
