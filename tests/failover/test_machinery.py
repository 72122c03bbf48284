"""The campaign's own machinery: it counts what it says it counts, and one short run on real servers goes well."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.asyncio_servers import PATIENCE, black_hole
from tests.clusters.postgresql import PostgresqlCluster
from tests.failover.campaign import Result, run
from tests.failover.clients import Target, ours
from tests.failover.hanging_up import hang_up
from tests.failover.page import page
from tests.failover.reads import Reads
from tests.failover.results import keep, kept
from tests.failover.scenes import Replication
from tests.failover.work import Client, Moments, OutcomeUnknownError, Seen, Tally

OLD, NEW = 1, 2


class Servers:
    """Two servers in memory, of which the second one succeeds the first; what a client does with them is a test's."""

    def __init__(self) -> None:
        self.target = Target(["a:1"], "db")
        self.primary = OLD
        self.rows: dict[int, set[int]] = {OLD: set(), NEW: set()}

    @property
    def deposed_ports(self) -> set[int]:
        return {OLD} if self.primary == NEW else set()

    async def stored(self) -> set[int]:
        return self.rows[self.primary]

    async def strays(self, since: float) -> set[int]:
        return self.rows[OLD] - self.rows[NEW] if since else set()

    async def succeed(self, moments: Moments) -> None:
        self.rows[NEW] = set(self.rows[OLD])
        self.primary = NEW
        moments.promote()


class Good:
    """Writes to the present primary, and reads what is there."""

    checked_out = 0

    def __init__(self, servers: Servers) -> None:
        self.servers = servers

    async def write(self, number: int) -> int:
        self.servers.rows[self.servers.primary].add(number)
        return self.servers.primary

    async def read(self, _last: int, _old: int) -> Seen:
        return Seen(self.servers.primary, is_primary=True, has_last=True, has_old=True)


class Stays(Good):
    """Stays with the old primary, whatever happens."""

    async def write(self, number: int) -> int:
        self.servers.rows[OLD].add(number)
        return OLD


class Forgets(Good):
    """Says that a row is stored, and does not store it."""

    async def write(self, number: int) -> int:
        return await super().write(number) if number % 2 else self.servers.primary


class Lies(Good):
    """Says that nothing was stored, or that it is unknown, and stores it."""

    async def write(self, number: int) -> int:
        server = await super().write(number)
        if number % 3 == 1:
            raise OutcomeUnknownError
        if number % 3 == 2:
            raise ValueError
        return server


class Late(Good):
    """Reads what is old, and keeps a connection."""

    checked_out = 1

    async def read(self, _last: int, _old: int) -> Seen:
        return Seen(NEW, is_primary=False, has_last=False, has_old=False)


class Silent(Good):
    """Writes nothing any more once there is a successor."""

    async def write(self, number: int) -> int:
        if self.servers.primary == NEW:
            await asyncio.Event().wait()
        return await super().write(number)


class Clings(Good):
    """As `Silent`; told to end, it waits for an answer once more."""

    async def write(self, number: int) -> int:
        if self.servers.primary == NEW:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.Event().wait()
        return await super().write(number)


async def result_of(kind: type[Good]) -> Result:
    servers = Servers()

    @asynccontextmanager
    async def opener(_: Target) -> AsyncIterator[Client]:
        yield kind(servers)

    return await run(servers, Result("c", "kill", "myfy-data"), Servers.succeed, opener, 1.0, lambda _: None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No quiet time at the end of a run, and none for attempts that never end."""
    if "cluster" not in request.fixturenames:
        monkeypatch.setattr("tests.failover.campaign.QUIET", 0.0)
        monkeypatch.setattr("tests.failover.work.LAST_ATTEMPT", 0.2)
        monkeypatch.setattr("tests.failover.work.AGAIN", 0.2)


FOUND: list[tuple[type[Good], str]] = [
    (Stays, "statements on a deposed server"),
    (Stays, "acknowledged rows lost"),
    (Forgets, "acknowledged rows lost"),
    (Lies, "rows stored that were told as refused"),
    (Late, "stale reads"),
    (Late, "1 connections in use at the end"),
    (Silent, "no write again within 1 s"),
    (Clings, "no write again within 1 s"),
]


@pytest.mark.parametrize(("kind", "told"), FOUND, ids=[f"{kind.__name__}: {told}" for kind, told in FOUND])
async def test_what_a_client_does_wrong_is_found(kind: type[Good], told: str) -> None:
    assert any(told in what for what in (await result_of(kind)).broken)


async def test_what_outlives_every_cancellation_hears_that_its_server_is_gone() -> None:
    """As a driver does, whose farewell waits for a server that hangs, whatever it is told."""
    heard: list[bytes] = []

    async def wait(reader: asyncio.StreamReader) -> None:
        while not heard:
            with suppress(asyncio.CancelledError):
                heard.append(await reader.read())

    async with black_hole(1) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        waiting = asyncio.create_task(wait(reader))
        await asyncio.sleep(0)
        waiting.cancel()
        hang_up([port + 1])  # others' connections stay
        assert not (await asyncio.wait([waiting], timeout=0.05))[0]  # nor does the cancellation end it
        hang_up([port])
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(waiting)
        finally:
            writer.transport.abort()  # what was not hung up ends now, for a test that fails

    assert heard == [b""]


async def test_a_client_that_does_nothing_wrong_broke_nothing() -> None:
    result = await result_of(Good)

    assert [what for what in result.broken if "gap" not in what] == []  # a gap is this machine's
    assert (result.unknown, result.reads > 0, result.promotion is not None) == (0, True, True)


async def test_an_unknown_row_that_is_stored_is_counted_and_no_lie() -> None:
    result = await result_of(Lies)

    assert 0 < result.unknown_stored == result.unknown
    assert result.errors["ValueError"] == result.untrue > 0


def test_a_gap_counts_from_the_event_to_the_end() -> None:
    tally = Tally(1.0)
    tally.acknowledged = {1: 9.0, 2: 11.0, 3: 14.0}

    assert (tally.longest_gap(10.0, 15.0), tally.longest_gap(10.0, 20.0)) == (3.0, 6.0)
    assert (tally.last_before(8.0), tally.last_before(12.0)) == (0, 2)


def test_the_page_tells_each_run_and_what_was_broken() -> None:
    good, bad = Result("c", "kill", "SQLAlchemy", gap=None), Result("c", "freeze", "myfy-data", lost=3, gap=0.1)

    text = page([good, bad])

    assert "| kill | SQLAlchemy |  | **none within 0 s** |" in text
    assert "- c, freeze: 3 acknowledged rows lost" in text


def test_results_are_kept_and_replaced_by_later_ones(tmp_path: Path) -> None:
    first = [Result("c", "kill", client, lost=1, errors=Counter(a=2)) for client in ("one", "two")]
    keep("c", first, tmp_path)
    keep("c", [Result("c", "kill", "two", gap=0.5)], tmp_path)

    assert kept(["c", "not run yet"], tmp_path) == [first[0], Result("c", "kill", "two", gap=0.5)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Reads(100.0, 0.97, 0.52, 0), []),
        (Reads(100.0, 0.94, 0.52, 0), ["0.94 of what the replicas give"]),
        (Reads(100.0, 0.97, 0.52, 3), ["3 reads of the primary"]),
        (Reads(100.0, 0.97, 0.96, 0), ["the control gives 0.96 of it"]),
    ],
)
def test_reads_that_do_not_scale_are_found(found: Reads, told: list[str]) -> None:
    assert found.broken == told


@pytest.mark.postgresql
async def test_a_short_run_on_real_servers(cluster: PostgresqlCluster) -> None:
    scene: Any = Replication(cluster)
    async with scene.stage() as stage:
        result = await run(
            stage, Result(scene.title, "kill", "myfy-data"), scene.events["kill"], ours, 60.0, lambda _: None
        )

    assert (result.lost, result.untrue, result.deposed, result.checked_out) == (0, 0, 0, 0)
    assert (result.acknowledged > 50, result.gap is not None, result.reads > 0) == (True, True, True)
