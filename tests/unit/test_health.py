"""Health in numbers and words that anybody may read (contract C4)."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from myfy_data.engines.status import PingResult
from myfy_data.errors import DatabaseConnectionError
from myfy_data.health import HealthReport, ProfileHealth, check_health


class Servers:
    """Answers for the profiles that are up, once all were asked: one after the other would wait for ever."""

    def __init__(self, asked: int, *, down: dict[str, Exception] | None = None) -> None:
        self._everybody = asyncio.Barrier(asked)
        self._down = down or {}

    async def probe(self, profile: str) -> None:
        async with asyncio.timeout(5), self._everybody:
            if profile in self._down:
                raise self._down[profile]


def refused() -> DatabaseConnectionError:
    error = DatabaseConnectionError("a", "postgresql://app@db.internal/main", "CANARY-health", fix="start it")
    error.__cause__ = ConnectionRefusedError("CANARY-health at 10.0.0.1")
    return error


async def test_all_profiles_are_asked_at_once() -> None:
    report = await check_health(Servers(3), ["a", "b", "c"], {"a"})

    assert (report.ok, report.degraded, [health.ok for health in report.profiles.values()]) == (True, False, [True] * 3)


async def test_a_required_profile_that_is_down_makes_the_whole_unhealthy() -> None:
    report = await check_health(Servers(2, down={"a": refused()}), ["a", "b"], {"a"})

    assert (report.ok, report.degraded, report.profiles["a"].required) == (False, False, True)


async def test_an_optional_profile_that_is_down_only_degrades() -> None:
    report = await check_health(Servers(2, down={"b": refused()}), ["a", "b"], {"a"})

    assert (report.ok, report.degraded, report.profiles["b"].ok) == (True, True, False)


async def test_the_error_names_no_server_and_no_secret() -> None:
    report = await check_health(Servers(1, down={"a": refused()}), ["a"], {"a"})

    assert report.profiles["a"].error == "cannot connect: ConnectionRefusedError"


async def test_an_unexpected_error_is_told_by_its_kind_only() -> None:
    report = await check_health(Servers(1, down={"a": ValueError("CANARY-health")}), ["a"], {"a"})

    assert report.profiles["a"].error == "ValueError"


def test_a_report_can_be_sent_to_another_process() -> None:
    report = HealthReport({"a": ProfileHealth(ok=True, latency=0.1, error=None, required=True)})

    assert pickle.loads(pickle.dumps(report)) == report


@pytest.mark.parametrize(
    ("writable", "ok", "error"),
    [
        (True, True, None),
        (None, True, None),
        (False, False, "the server takes no writes: it is read-only, or a replica"),
    ],
)
async def test_a_server_that_takes_no_writes_is_not_healthy(writable: bool | None, ok: bool, error: str | None) -> None:
    class Server:
        async def probe(self, profile: str) -> PingResult:
            return PingResult(profile, "PostgreSQL 15.20", 0.001, writable)

    health = (await check_health(Server(), ["a"], {"a"})).profiles["a"]

    assert (health.ok, health.writable, health.error) == (ok, writable, error)
