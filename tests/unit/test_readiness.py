"""Readiness: one probe a second, three failures in a row, and nothing is asked unless the module runs (C12.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from myfy_data.engines.pool.status import PingResult, PoolStatus
from myfy_data.health.readiness import Readiness, ReadyReport
from tests.asyncio_servers import PATIENCE


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers when it may; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None
        self.writable: bool | None = True
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.waiting = 0

    async def look(self, profile: str) -> PingResult:
        self.asked += 1
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return PingResult(profile, "PostgreSQL 15.20", 0.001, self.writable)

    def status(self, profile: str) -> PoolStatus:
        return PoolStatus(profile, size=2, checked_in=0, checked_out=2, overflow=0, waiting=self.waiting)


class Balancer:
    """Asks a process whether it is ready."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.server = Server()
        self.readiness = Readiness(lambda: self.server, self.clock)

    async def ask(self, names: Iterable[str] = ("main",), *, is_running: bool = True) -> ReadyReport:
        async with asyncio.timeout(PATIENCE):
            return await self.readiness.report(names, is_running=is_running)

    async def look(self, times: int) -> list[bool]:
        found = []
        for _ in range(times):
            self.clock.now += 1.0
            found.append((await self.ask()).ok)
        return found


@pytest.fixture
async def balancer() -> Balancer:
    return Balancer()


async def test_however_many_ask_at_once_the_server_is_asked_once(balancer: Balancer) -> None:
    reports = await asyncio.gather(*(balancer.ask() for _ in range(200)))

    assert (balancer.server.asked, {report.ok for report in reports}) == (1, {True})


async def test_within_a_second_the_answer_is_remembered(balancer: Balancer) -> None:
    await balancer.ask()
    balancer.clock.now += 0.99
    await balancer.ask()
    before = balancer.server.asked
    balancer.clock.now += 0.01
    await balancer.ask()

    assert (before, balancer.server.asked) == (1, 2)


async def test_the_third_failure_in_a_row_makes_it_unready(balancer: Balancer) -> None:
    balancer.server.failure = ValueError("CANARY-ready")

    assert await balancer.look(4) == [True, True, False, False]


async def test_an_answer_between_failures_begins_the_count_anew(balancer: Balancer) -> None:
    balancer.server.failure = ValueError("CANARY-ready")
    before = await balancer.look(2)
    balancer.server.failure = None
    await balancer.look(1)
    balancer.server.failure = ValueError("CANARY-ready")

    assert (before, await balancer.look(3)) == ([True, True], [True, True, False])


async def test_one_answer_makes_it_ready_again(balancer: Balancer) -> None:
    balancer.server.failure = ValueError("CANARY-ready")
    before = await balancer.look(3)
    balancer.server.failure = None

    assert (before[-1], await balancer.look(1)) == (False, [True])


async def test_failures_are_told_by_classes_of_ours(balancer: Balancer) -> None:
    balancer.server.failure = ValueError("CANARY-ready")
    profile = (await balancer.ask()).profiles["main"]

    assert (profile.status, profile.failures, profile.error) == ("degraded", 1, "DatabaseConnectionError")


async def test_a_server_that_refuses_writes_is_no_answer(balancer: Balancer) -> None:
    balancer.server.writable = False
    ready = await balancer.look(3)
    profile = (await balancer.ask()).profiles["main"]

    assert (ready, profile.role, profile.error) == ([True, True, False], "replica", "ReadOnlySessionError")


async def test_a_pool_in_which_tasks_wait_is_degraded_and_ready(balancer: Balancer) -> None:
    balancer.server.waiting = 7
    report = await balancer.ask()

    assert (report.ok, report.status, report.profiles["main"].status) == (True, "degraded", "degraded")


@pytest.mark.parametrize(("is_running", "is_draining", "status"), [(False, False, "stopped"), (True, True, "draining")])
async def test_a_module_that_takes_no_requests_asks_nothing(
    balancer: Balancer, is_running: bool, is_draining: bool, status: str
) -> None:
    balancer.readiness.is_draining = is_draining
    report = await balancer.ask(is_running=is_running)

    assert (report.ok, report.status, balancer.server.asked) == (False, status, 0)
    assert report.profiles["main"].status == "unknown"


async def test_one_who_leaves_does_not_end_the_probe_of_the_others(balancer: Balancer) -> None:
    balancer.server.may_answer.clear()
    first, second = asyncio.create_task(balancer.ask()), asyncio.create_task(balancer.ask())
    while not balancer.server.asked:
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    balancer.server.may_answer.set()

    assert ((await second).ok, balancer.server.asked, first.cancelled()) == (True, 1, True)


async def test_a_stop_ends_the_probe_and_those_who_wait_for_it(balancer: Balancer) -> None:
    balancer.server.may_answer.clear()
    asking = asyncio.create_task(balancer.ask())
    while not balancer.server.asked:
        await asyncio.sleep(0)
    await balancer.readiness.reset()
    async with asyncio.timeout(PATIENCE):
        report = await asking

    assert report.profiles["main"].status == "unknown"


async def test_every_required_profile_is_asked(balancer: Balancer) -> None:
    report = await balancer.ask(["b", "a"])

    assert (list(report.profiles), balancer.server.asked) == (["a", "b"], 2)


async def test_a_balancer_that_asked_half_a_minute_ago_is_gone(balancer: Balancer) -> None:
    never = balancer.readiness.was_asked_lately
    await balancer.ask()
    lately = balancer.readiness.was_asked_lately
    balancer.clock.now += 30.0

    assert (never, lately, balancer.readiness.was_asked_lately) == (False, True, False)
