"""A reload, or the end, while a server is waited for (contract C12.5): states that no server reaches on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.util import await_only, greenlet_spawn

from myfy_data import DataModuleNotConfiguredError
from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.cluster.monitor import Monitor
from myfy_data.engines.cluster.route import Route
from myfy_data.engines.cluster.server import Server
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Position
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE

AFTER = Token(Position("0/1", "x", "1")).text
WRITES, READS = Route(read_only=False, source="primary"), Route(read_only=True, source="prefer-replica", after=AFTER)

MakeCluster = Callable[[str], OpenCluster]


class Connects:
    """Connects to the new servers at once, and to the old ones never: it fails when it is let.

    Attributes:
        begun: set when an old one was tried.
        fails: lets it fail.
    """

    def __init__(self) -> None:
        self.begun, self.fails = asyncio.Event(), asyncio.Event()

    def __call__(self, engine: Engine) -> Any:
        if engine.url.host == "new":
            return "of the new servers"
        self.begun.set()
        await_only(self.fails.wait())
        raise ConnectionRefusedError


def start_take(cluster: OpenCluster, route: Route, connect: Connects) -> asyncio.Task[object]:
    return asyncio.ensure_future(greenlet_spawn(cluster.take, route, connect))


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeCluster]:
    """Clusters of a primary and a replica that answer one look each, so that no news ends a wait."""
    looked_at: set[Server] = set()

    async def look(server: Server) -> Look:
        if server in looked_at:
            await asyncio.Event().wait()
        looked_at.add(server)
        return Look(is_primary=server.address.endswith(":1"), system="x", timeline=1, lag=0.0)

    monkeypatch.setattr(Server, "look", look)
    async with AsyncExitStack() as opened:

        def make_one(host: str) -> OpenCluster:
            settings = DatabaseSettings(
                database_url="postgresql+asyncpg://app@/shop",
                hosts=[f"{host}:1", f"{host}:2"],
                cluster={"heartbeat": 60.0, "failover_timeout": PATIENCE},
                reads={"wait": 0.5 if host == "old" else 0.0},  # the new primary serves them at once
            )
            cluster = OpenCluster("main", settings, lambda _: None)
            opened.push_async_callback(cluster.close)
            return cluster

        yield make_one


def monitors() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if "monitor" in task.get_name()]


@pytest.mark.parametrize("route", [WRITES, READS], ids=["primary", "own writes"])
async def test_a_connect_that_fails_after_a_reload_goes_on_to_the_new_servers(make: MakeCluster, route: Route) -> None:
    old, new, connect = make("old"), make("new"), Connects()
    taking = start_take(old, route, connect)
    await asyncio.wait_for(connect.begun.wait(), PATIENCE)

    old.lead_to(lambda: new)
    await old.close()
    connect.fails.set()

    assert await taking == "of the new servers"
    assert len(monitors()) == 1


@pytest.mark.parametrize("route", [WRITES, READS], ids=["primary", "own writes"])
async def test_a_connect_that_fails_after_the_end_does_not_begin_anew(make: MakeCluster, route: Route) -> None:
    old, connect = make("old"), Connects()
    taking = start_take(old, route, connect)
    await asyncio.wait_for(connect.begun.wait(), PATIENCE)

    await old.close()
    connect.fails.set()

    with pytest.raises(DataModuleNotConfiguredError, match="was closed"):
        await taking
    assert monitors() == []


async def test_an_old_replica_is_not_tried_after_a_reload_while_the_position_was_asked(
    make: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, connect = make("old"), await make("new").present(), Connects()
    asked, answers = asyncio.Event(), asyncio.Event()
    connect.fails.set()

    async def position(_: Server) -> Position:
        asked.set()
        await answers.wait()
        return Position("0/1", "x", "1")

    monkeypatch.setattr(Server, "position", position)
    taking = start_take(old, Route(read_only=True, source="replica", after=Token().text), connect)
    await asyncio.wait_for(asked.wait(), PATIENCE)
    old.lead_to(lambda: new)
    answers.set()

    assert await taking == "of the new servers"
    assert not connect.begun.is_set()


async def test_who_asks_for_the_position_while_it_closes_is_told_of_the_end(
    make: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, asked = make("old"), asyncio.Event()

    async def position(_: Server) -> Position:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Server, "position", position)
    taking = start_take(cluster, Route(read_only=True, source="replica", after=Token().text), Connects())
    await asyncio.wait_for(asked.wait(), PATIENCE)

    await cluster.close()

    with pytest.raises(DataModuleNotConfiguredError, match="was closed"):
        await taking


async def test_the_primary_of_replaced_servers_is_that_of_the_new_ones(make: MakeCluster) -> None:
    old, new = make("old"), make("new")
    await old.present()
    old.lead_to(lambda: new)
    await old.close()

    assert (await old.present()).engine.url.host == "new"
    assert len(monitors()) == 1


async def test_a_monitor_that_was_stopped_is_not_started_again() -> None:
    monitor = Monitor("main", {}, 1.0, lambda _before, _changed: None)
    monitor.start()
    await monitor.stop()

    with pytest.raises(DataModuleNotConfiguredError, match="was closed"):
        monitor.start()


async def test_a_reload_in_another_thread_wakes_who_waits_in_its_own(
    make: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, connect = make("old"), make("new"), Connects()
    wake, threads = old.wake, set[int]()

    def noted_wake() -> None:
        threads.add(threading.get_ident())
        wake()

    monkeypatch.setattr(old, "wake", noted_wake)
    connect.fails.set()
    taking = start_take(old, WRITES, connect)
    await asyncio.wait_for(connect.begun.wait(), PATIENCE)

    async def lead() -> None:
        old.lead_to(lambda: new)

    await asyncio.to_thread(asyncio.run, lead())

    assert await taking == "of the new servers"
    assert threads == {threading.get_ident()}


async def test_who_waits_for_a_server_is_told_of_the_end_at_once(make: MakeCluster) -> None:
    cluster, connect = make("old"), Connects()
    connect.fails.set()
    taking = start_take(cluster, WRITES, connect)
    await connect.begun.wait()
    for _ in range(100):  # until it waits for news of the servers
        await asyncio.sleep(0)
    assert not taking.done()

    await cluster.close()

    with pytest.raises(DataModuleNotConfiguredError):
        await taking
