"""Health in numbers and words that may be public (contract C4)."""

from __future__ import annotations

import asyncio
import pickle
from datetime import UTC, datetime

import pytest

from myfy_data.engines.cluster.status import ClusterStatus, HostStatus
from myfy_data.engines.pool.status import PingResult, PoolStatus
from myfy_data.errors import DatabaseConnectionError
from myfy_data.health.report import HealthReport, ProfileHealth, check_health
from tests.asyncio_servers import PATIENCE


def idle(profile: str, *, waiting: int = 0) -> PoolStatus:
    return PoolStatus(profile, size=2, checked_in=0, checked_out=2, overflow=0, waiting=waiting)


class Servers:
    """Answers for the profiles that are up, once all were asked: one after the other would wait for ever."""

    def __init__(self, asked: int, *, down: dict[str, Exception] | None = None) -> None:
        self._everybody = asyncio.Barrier(asked)
        self._down = down or {}

    async def probe(self, profile: str) -> None:
        async with asyncio.timeout(PATIENCE), self._everybody:
            if profile in self._down:
                raise self._down[profile]

    def status(self, profile: str) -> PoolStatus:
        return idle(profile)

    def cluster_status(self, _profile: str, _role: str) -> ClusterStatus:
        return ClusterStatus(None, ())


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

        def status(self, profile: str) -> PoolStatus:
            return idle(profile)

        def cluster_status(self, _profile: str, role: str) -> ClusterStatus:
            return ClusterStatus(None, (HostStatus("db:1", role, None, None, datetime.now(UTC)),))

    health = (await check_health(Server(), ["a"], {"a"})).profiles["a"]

    assert (health.ok, health.writable, health.error) == (ok, writable, error)
    assert health.hosts[0].role == {True: "primary", False: "replica", None: "unknown"}[writable]


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (refused(), "DatabaseConnectionError"),
        (ValueError("CANARY-health"), "DatabaseConnectionError"),
        (TimeoutError("CANARY-health"), "DatabaseTimeoutError"),
    ],
)
async def test_the_class_of_an_error_is_one_of_ours(failure: Exception, name: str) -> None:
    report = await check_health(Servers(1, down={"a": failure}), ["a"], {"a"})

    assert (report.profiles["a"].error_class, report.profiles["a"].status, report.status) == (name, "down", "down")


async def test_a_pool_in_which_tasks_wait_is_degraded() -> None:
    class Busy(Servers):
        def status(self, profile: str) -> PoolStatus:
            return idle(profile, waiting=1)

    report = await check_health(Busy(1), ["a"], {"a"})

    assert (report.ok, report.degraded, report.status, report.profiles["a"].status) == (
        True,
        True,
        "degraded",
        "degraded",
    )
