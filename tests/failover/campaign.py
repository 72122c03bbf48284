"""One client on one cluster to which one thing happens, and what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from tests.failover.clients import HEARTBEAT, MAX_LAG, Opener
from tests.failover.hanging_up import hang_up
from tests.failover.scenes import Event, Stage
from tests.failover.work import Moments, Tally, Work

BEFORE, AFTER = 30, 60
"""Rows that must be acknowledged before the event, and after it."""

START_LIMIT = 60.0
"""Seconds for the first rows."""

QUIET = 3.0
"""Seconds that a run goes on after those: a client may still change its mind."""

RUN = 300.0
"""Seconds after which a run has failed, whatever it waits for."""

OVER = 0.5
"""Seconds that a client may need beyond promotion and two heartbeats."""


@dataclass
class Result:
    """What a run came to.

    Attributes:
        cluster: the cluster's title.
        event: what happened.
        client: whose attempts they were.
        acknowledged: rows stored, as far as the client was told.
        lost: those that the new primary does not have.
        unknown: rows of which the client could not know.
        unknown_stored: those that are stored.
        untrue: rows that are stored, of which the client was told that they are not.
        promotion: seconds from the event until another server took writes; None where none had to.
        gap: the longest time in which no row was acknowledged; None when there was none at all after the event.
        limit: seconds that the run waited for one.
        deposed: attempts that a deposed server answered, and rows that it took, after its successor did.
        reads: reads that were answered.
        behind: those that lacked the row which was acknowledged last.
        stale: those that lacked one acknowledged longer ago than a replica may be behind.
        errors: how often which one was raised.
        checked_out: connections still in use at the end.
        detection: seconds that what stands in front of the servers may need.
    """

    cluster: str
    event: str
    client: str
    acknowledged: int = 0
    lost: int = 0
    unknown: int = 0
    unknown_stored: int = 0
    untrue: int = 0
    promotion: float | None = None
    gap: float | None = None
    limit: float = 0.0
    deposed: int = 0
    reads: int = 0
    behind: int = 0
    stale: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    checked_out: int = 0
    detection: float = 0.0

    @property
    def bound(self) -> float:
        """Seconds that the promise gives a client: promotion, two heartbeats, half a second, and a proxy's checks."""
        return (self.promotion or 0.0) + 2 * HEARTBEAT + OVER + self.detection

    @property
    def broken(self) -> list[str]:
        """What the promise says and this run did not keep."""
        found = {
            f"{self.lost} acknowledged rows lost": self.lost > 0,
            f"{self.untrue} rows stored that were told as refused": self.untrue > 0,
            f"{self.deposed} statements on a deposed server": self.deposed > 0,
            f"{self.stale} stale reads": self.stale > 0,
            f"{self.checked_out} connections in use at the end": self.checked_out > 0,
            f"no write again within {self.limit:g} s": self.gap is None,
            f"a gap of {self.gap or 0:.1f} s, bound {self.bound:.1f} s": (self.gap or 0.0) > self.bound,
        }
        return [what for what, is_so in found.items() if is_so]


async def run(
    stage: Stage, blank: Result, event: Event, opener: Opener, limit: float, say: Callable[[str], None]
) -> Result:
    """Let one thing happen while a client works.

    Args:
        stage: the cluster as it was made.
        blank: the names of cluster, event and client.
        event: what happens.
        opener: makes the client.
        limit: seconds to wait for the client to write again.
        say: told what goes on.
    """
    result = replace(blank, limit=limit)
    tally, moments = Tally(MAX_LAG + 2 * HEARTBEAT), Moments()
    async with asyncio.timeout(RUN), opener(stage.target) as client:
        work = Work(client, tally, partial(hang_up, stage.target.ports))
        async with work.going_on():
            await _acknowledged(tally, 0.0, BEFORE, START_LIMIT)
            moments.begin()
            await event(stage, moments)
            with suppress(TimeoutError):
                await _acknowledged(tally, moments.promoted or moments.began, AFTER, limit)
            await asyncio.sleep(QUIET)
            end = asyncio.get_running_loop().time()
        result.checked_out = client.checked_out
        await _judge(result, stage, tally, moments, end)
    say(f"{result.event:20} {result.client:20} gap {result.gap}, {dict(result.errors)}, broken: {result.broken}")
    return result


async def _acknowledged(tally: Tally, since: float, rows: int, seconds: float) -> None:
    """Wait for so many rows.

    Raises:
        TimeoutError: they did not come.
    """
    async with asyncio.timeout(seconds):
        while tally.acknowledged_since(since) < rows:
            await asyncio.sleep(0.02)


async def _judge(result: Result, stage: Stage, tally: Tally, moments: Moments, end: float) -> None:
    stored = await stage.stored()
    acknowledged = set(tally.acknowledged)
    result.acknowledged, result.lost = len(acknowledged), len(acknowledged - stored)
    result.unknown, result.unknown_stored = len(tally.unknown), len(tally.unknown & stored)
    result.untrue = len(tally.refused & stored)
    result.reads, result.behind, result.stale, result.errors = tally.reads, tally.behind, tally.stale, tally.errors
    if tally.acknowledged_since(moments.promoted or moments.began):
        result.gap = tally.longest_gap(moments.began, end)
    if moments.promoted is None or moments.promoted_at is None:
        return
    result.promotion = moments.promoted - moments.began
    late = [began for began, server in tally.answers if began > moments.promoted and server in stage.deposed_ports]
    result.deposed = len(late) + len(await stage.strays(moments.promoted_at))
