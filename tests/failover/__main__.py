"""`make failover`: every cluster, everything that can happen to it, every client; prints the page, and writes it.

Usage: `python -m tests.failover [--clusters ...] [--events ...] [--clients ...] [--limit S] [--kept] [--page FILE]`
Results are kept in `.cache/failover`: the page is made of the latest of each run. Exit code 1 when this package broke
its promise, or when the control, without the monitor, survived a frozen primary.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.clusters.waiting import AWAY
from tests.failover.campaign import Result, run
from tests.failover.clients import CLIENTS
from tests.failover.clusters import CHECKS, CLUSTERS
from tests.failover.page import page
from tests.failover.reads import run as run_reads
from tests.failover.results import keep, kept
from tests.failover.scenes import Scene
from tests.own_servers import ServerStartError
from tests.servers import NoServerError

NOT_STARTED = (NoServerError, ServerStartError, AssertionError, *AWAY)
"""What ends the runs of one cluster, and not those of the others."""

CONTROL = ("freeze", "without the monitor")
"""What must fail where clients see the servers, or the campaign measures nothing; a proxy finds the next one."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.failover", description=__doc__)
    parser.add_argument("--clusters", nargs="+", choices=CLUSTERS, default=list(CLUSTERS))
    parser.add_argument("--events", nargs="+", help="only these, such as kill freeze")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--limit", type=float, default=15.0, help="seconds to wait for a client to write again")
    parser.add_argument("--kept", action="store_true", help="run nothing: make the page of what is kept")
    parser.add_argument("--page", type=Path, help="write the tables into this file")
    return parser.parse_args()


def say(line: str) -> None:
    """Show what is going on, beside the results."""
    sys.stderr.write(f"{line}\n")


def run_scene(name: str, scene: Scene, given: argparse.Namespace, failed: list[str]) -> Iterator[Result]:
    """Everything that was asked for, on one cluster; each result is kept at once. A run that fails ends only itself."""

    async def one(event: str, client: str) -> Result:
        async with scene.stage() as stage:
            blank = Result(scene.title, event, client, detection=scene.detection)
            return await run(stage, blank, scene.events[event], CLIENTS[client], given.limit, say)

    events = [event for event in scene.events if given.events is None or event in given.events]
    for event in events:
        for client in given.clients:
            try:
                result = asyncio.run(one(event, client))
            except Exception as error:  # noqa: BLE001 - the other runs tell of themselves
                failed.append(f"{name}, {event}, {client}: {error!r}")
                say(failed[-1])
                continue
            keep(name, [result])
            yield result


def main() -> int:
    """Run it."""
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers end with the tool
    logging.getLogger("myfy_data").setLevel(logging.CRITICAL)
    started = time.monotonic()
    results: list[Result] = kept(given.clusters) if given.kept else []
    failed: list[str] = []
    for name in () if given.kept else given.clusters:
        try:
            with CLUSTERS[name]() as scene:
                results += run_scene(name, scene, given, failed)
        except NOT_STARTED as error:
            failed.append(f"{name}: {error!r}")
    is_whole = not given.kept and given.events is None and given.clusters == list(CLUSTERS)
    reads = run_reads().broken if is_whole else []
    sys.stdout.write(page(results))
    if given.page is not None:
        given.page.write_text(page(kept(CLUSTERS)), encoding="utf-8")
    broken = [one for one in results if one.client == "myfy-data" and one.broken]
    controls = [one for one in results if (one.event, one.client) == CONTROL and one.detection < CHECKS]
    survived = [one for one in controls if one.gap is not None]
    say("\n".join(["", *failed, *reads]))
    say(f"{len(broken)} promises broken, {len(survived)} controls survived, {len(failed)} runs failed")
    say(f"{time.monotonic() - started:.0f} s")
    return 1 if broken or survived or failed or reads else 0


if __name__ == "__main__":
    sys.exit(main())
