"""`/health/live`, `/health/ready` and `/health` in JSON, without host, user or driver text (contract C12.1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Protocol

from myfy_data.endpoints.http import Answer, Response, Scope, json_response
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.errors import DataModuleError
from myfy_data.health.readiness import ProfileReadiness, ReadyReport
from myfy_data.health.report import HealthReport, ProfileHealth

FRESH = 1.0
"""Seconds for which a report of everything is good enough for the next one who asks."""


class Operated(Protocol):
    """What answers the questions: a module."""

    async def ready(self) -> ReadyReport:
        """Whether to be sent requests."""
        ...

    async def health(self) -> HealthReport:
        """Everything, asked now."""
        ...

    @property
    def required(self) -> Collection[str]:
        """The required profiles."""
        ...


def health_answers(path: str, data: Operated) -> dict[str, Answer]:
    """What answers the three questions, by path.

    Args:
        path: of the third question; the others stand below it.
        data: the module.
    """
    return {path: _Everything(data), f"{path}/live": _live, f"{path}/ready": _Ready(data)}


async def _live(_scope: Scope) -> Response:
    return json_response(200, {"status": "ok", "profiles": {}})


class _Ready:
    def __init__(self, data: Operated) -> None:
        self._data = data

    async def __call__(self, _scope: Scope) -> Response:
        report = await self._data.ready()
        profiles = {name: _ready_profile(profile) for name, profile in report.profiles.items()}
        return json_response(200 if report.ok else 503, {"status": report.status, "profiles": profiles})


class _Everything:
    """Asks once for all who ask at the same time, and not again within a second: the path is public."""

    def __init__(self, data: Operated) -> None:
        self._data = data
        self._asking: asyncio.Task[Response] | None = None
        self._answered: tuple[float, Response] | None = None

    async def __call__(self, _scope: Scope) -> Response:
        if self._answered is not None and time.monotonic() - self._answered[0] < FRESH:
            return self._answered[1]
        asking = self._asking
        if asking is None or asking.done() or asking.get_loop() is not asyncio.get_running_loop():
            asking = self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(asking)

    async def _ask(self) -> Response:
        try:
            report = await self._data.health()
        except DataModuleError as error:  # stopped, or a configuration that cannot be used
            return json_response(503, {"status": "unknown", "profiles": self._unknown(error)})
        profiles = {name: _health_profile(profile) for name, profile in report.profiles.items()}
        response = json_response(200 if report.ok else 503, {"status": report.status, "profiles": profiles})
        self._answered = (time.monotonic(), response)
        return response

    def _unknown(self, error: DataModuleError) -> Mapping[str, object]:
        try:
            names = sorted(self._data.required)
        except DataModuleError:
            names = []
        told = {"required": True, "role": None, "latency_ms": None, "pool": None, "error": type(error).__name__}
        return {name: {"status": "unknown", **told} for name in names}


def _health_profile(profile: ProfileHealth) -> dict[str, object]:
    return {
        "status": profile.status,
        "required": profile.required,
        "role": profile.role,
        "latency_ms": _milliseconds(profile.latency if profile.ok else None),
        "pool": _pool(profile.pool),
        "error": profile.error_class,
    }


def _ready_profile(profile: ProfileReadiness) -> dict[str, object]:
    return {
        "status": profile.status,
        "required": True,
        "role": profile.role,
        "latency_ms": _milliseconds(profile.latency),
        "pool": _pool(profile.pool),
        "error": profile.error,
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _pool(status: PoolStatus | None) -> dict[str, int] | None:
    if status is None:
        return None
    return {"size": status.size, "in_use": status.checked_out, "waiting": status.waiting}
