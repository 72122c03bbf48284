"""Whether the process should be sent requests: asked by load balancers, often, and cheap (contract C12.1; ADR 35)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from myfy_data.engines.pool.status import PingResult, PoolStatus, role_of
from myfy_data.errors import ReadOnlySessionError
from myfy_data.health.report import ProfileStatus, ServerRole, class_of, is_saturated

DEADLINE: float = 1.0
"""Seconds that a server has to answer a probe."""

INTERVAL: float = 1.0
"""Seconds from the beginning of one probe of a profile to the next one's, however often it is asked for."""

FAILURES: int = 3
"""Probes that must fail in a row: one lost packet must not take an instance out of service."""

LATELY: float = 30.0
"""Seconds for which a load balancer that asked is taken to go on asking."""

ReadyState = Literal["ok", "degraded", "down", "draining", "stopped"]


@dataclass(frozen=True, slots=True)
class ProfileReadiness:
    """What the last probe of one required profile came to.

    Attributes:
        status: `ok`; `degraded` when tasks wait for a connection, or the last probes failed, fewer than three in a
            row; `down` when three or more did; `unknown` when none was made.
        failures: probes that failed in a row.
        latency: seconds that the last answer took; None when there was none.
        writable: whether the server takes writes; None where that does not matter or is not known.
        error: the name of the class of ours that the last failure is one of; None when the last probe was answered.
        pool: what the profile's pool is doing; None while the module is stopped.
    """

    status: ProfileStatus
    failures: int = 0
    latency: float | None = None
    writable: bool | None = None
    error: str | None = None
    pool: PoolStatus | None = None

    @property
    def role(self) -> ServerRole | None:
        """What the server is to a profile that writes; None when it is not known."""
        return role_of(self.writable)


@dataclass(frozen=True, slots=True)
class ReadyReport:
    """Whether the process should be sent requests.

    Attributes:
        ok: the module has started, is neither draining nor stopped, and no required profile is `down`.
        status: `ok`; `degraded`: ready, and short of something; `down`: a required profile is; `draining`: SIGTERM has
            come; `stopped`: before the start, and after the stop.
        profiles: each required profile, by name.
    """

    ok: bool
    status: ReadyState
    profiles: Mapping[str, ProfileReadiness]


class Server(Protocol):
    """What asks a profile's server over a connection that is kept for it, outside the pools."""

    async def look(self, profile: str) -> PingResult:
        """Ask; an exception is the answer no."""
        ...

    def status(self, profile: str) -> PoolStatus:
        """What the profile's pool is doing."""
        ...


class Readiness:
    """Asks each required profile at most once in `INTERVAL`, however many ask, and remembers what came of it.

    Args:
        server: gives what asks; called for each probe.
        clock: monotonic seconds.

    Attributes:
        is_draining: whether the process was told to end; then nothing is asked any more.
        asked_at: when readiness was asked for the last time, by the clock; None for never.
    """

    def __init__(self, server: Callable[[], Server], clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self.clock = clock
        self._watches: dict[str, _Watch] = {}
        self.is_draining: bool = False
        self.asked_at: float | None = None

    async def report(self, required: Iterable[str], *, is_running: bool) -> ReadyReport:
        """Whether to be sent requests; answers within `DEADLINE`, and asks no server unless the module runs.

        Args:
            required: names of the required profiles.
            is_running: whether the module has started and was not stopped.
        """
        self.asked_at = self.clock()
        names = sorted(required)
        if not is_running or self.is_draining:
            state: ReadyState = "draining" if is_running else "stopped"
            return ReadyReport(ok=False, status=state, profiles=dict.fromkeys(names, ProfileReadiness("unknown")))
        found = await asyncio.gather(*(self._watch(name).current() for name in names))
        states = {profile.status for profile in found}
        state = "down" if "down" in states else "ok" if states <= {"ok"} else "degraded"
        return ReadyReport(state != "down", state, dict(zip(names, found, strict=True)))

    @property
    def was_asked_lately(self) -> bool:
        """Whether a load balancer seems to look at this process."""
        return self.asked_at is not None and self.clock() - self.asked_at < LATELY

    def _watch(self, name: str) -> _Watch:
        return self._watches.setdefault(name, _Watch(name, self._server, self.clock))

    async def reset(self) -> None:
        """Forget everything, and end the probes that are under way; the module stops."""
        watches, self._watches = self._watches, {}
        self.is_draining = False
        for watch in watches.values():
            await watch.cancel()


class _Watch:
    """One profile: its last probe, and the one that is under way."""

    def __init__(self, name: str, server: Callable[[], Server], clock: Callable[[], float]) -> None:
        self._name = name
        self._server = server
        self.clock = clock
        self._last = ProfileReadiness("unknown")
        self._began: float | None = None
        self._probe: asyncio.Task[None] | None = None

    async def current(self) -> ProfileReadiness:
        now = self.clock()
        if self._began is None or now - self._began >= INTERVAL:
            self._began = now
            self._probe = asyncio.create_task(self._ask())
        if self._probe is not None and self._probe.get_loop() is asyncio.get_running_loop():
            await asyncio.wait((self._probe,))  # whose caller may leave, and the others still wait for it
        return self._with_pool()

    def _with_pool(self) -> ProfileReadiness:
        last, pool = self._last, self._server().status(self._name)
        status = "degraded" if last.status == "ok" and is_saturated(pool) else last.status
        return ProfileReadiness(status, last.failures, last.latency, last.writable, last.error, pool)

    async def _ask(self) -> None:
        writable: bool | None = None
        latency: float | None = None
        error: str | None = None
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._server().look(self._name)
            latency, writable = answer.latency, answer.writable
        except Exception as failure:  # noqa: BLE001 - whatever it is, the profile did not answer
            error = class_of(failure)
        if writable is False:
            error = ReadOnlySessionError.__name__
        failures = 0 if error is None else self._last.failures + 1
        status: ProfileStatus = "ok" if not failures else "down" if failures >= FAILURES else "degraded"
        self._last = ProfileReadiness(status, failures, latency, writable, error)

    async def cancel(self) -> None:
        probe = self._probe
        if probe is not None and probe.get_loop() is asyncio.get_running_loop():
            probe.cancel()
            await asyncio.wait((probe,))
