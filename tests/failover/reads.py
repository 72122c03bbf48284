"""Reads through two replicas: what a profile of them gives, beside what both give by themselves at the same time.

Usage: `python -m tests.failover.reads`. Keeps what it found for the page; exit code 1 when the promise is broken, or
when the control, which knows one of the replicas, keeps it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.clusters.postgresql import PostgresqlCluster, postgresql_cluster
from tests.failover.results import CACHE
from tests.markdown import heading, row

PROMISE = 0.95
ROUNDS, SECONDS = 7, 1.5
TASKS = 4
"""For each of the replicas."""

READ = text("SELECT inet_server_port(), pg_sleep(0.05)")
"""It takes a connection's time and no processor's: all servers and clients share the ones of this machine."""

INTRO = f"""\
{2 * TASKS} tasks read, with {TASKS} connections to each replica. A read takes 0.05 s of one, and no processor: that is
shared by all servers here. {ROUNDS} rounds of {SECONDS:g} s take turns; the middle ratio counts. The promise is
{PROMISE} of what both replicas give by themselves at the same time, and nothing of the primary.
"""

FILE = CACHE / "reads.json"


@dataclass(frozen=True)
class Reads:
    """What came of it.

    Attributes:
        alone: reads in a second of both replicas, each a profile of its own, at the same time.
        together: those of one profile with a primary and both replicas, in `alone`s.
        control: those of one profile with a primary and one replica, in `alone`s.
        primary: how many of the reads of the last two the primary served.
    """

    alone: float
    together: float
    control: float
    primary: int

    @property
    def broken(self) -> list[str]:
        """What was promised and is not so."""
        found = {
            f"{self.together:.2f} of what the replicas give": self.together < PROMISE,
            f"{self.primary} reads of the primary": self.primary > 0,
            f"the control gives {self.control:.2f} of it": self.control >= PROMISE,
        }
        return [what for what, is_so in found.items() if is_so]


def profile(hosts: Sequence[str]) -> DatabaseSettings:
    """One with as many connections to each replica as tasks use."""
    reads: dict[str, Any] = {"from": "prefer-replica", "consistency": "eventual"} if len(hosts) > 1 else {}
    return DatabaseSettings(
        database_url="postgresql://postgres@/postgres", hosts=list(hosts), reads=reads, pool_size=TASKS, max_overflow=0
    )


async def count(sources: Sequence[tuple[DataModule, int]]) -> Counter[int]:
    """The servers of the reads of so many tasks on each module, for some seconds."""
    found: Counter[int] = Counter()
    end = asyncio.get_running_loop().time() + SECONDS

    async def read(data: DataModule) -> None:
        while asyncio.get_running_loop().time() < end:
            async with data.session(read_only=True) as session:
                found[(await session.execute(READ)).one()[0]] += 1

    await asyncio.gather(*(read(data) for data, tasks in sources for _ in range(tasks)))
    return found


async def measure(cluster: PostgresqlCluster) -> Reads:
    """Take turns, so that the machine's other work meets all of them."""
    first, second, third = cluster.addresses
    async with AsyncExitStack() as stack:

        async def module(*hosts: str) -> DataModule:
            settings = DataSettings(profiles={"main": profile(hosts)})
            data = await stack.enter_async_context(DataModule(settings=settings))
            while len(hosts) > 1 and [host.role for host in data.cluster().hosts].count("replica") < len(hosts) - 1:
                await asyncio.sleep(0.05)
            return data

        two, three = await module(second), await module(third)
        every, some = await module(first, second, third), await module(first, second)
        ways = {
            "alone": [(two, TASKS), (three, TASKS)],
            "together": [(every, 2 * TASKS)],
            "control": [(some, 2 * TASKS)],
        }
        counted: dict[str, list[Counter[int]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, sources in ways.items():
                counted[name].append(await count(sources))
    alone, together, control = ([one.total() for one in several] for several in counted.values())
    return Reads(
        statistics.median(alone) / SECONDS,
        statistics.median(one / base for one, base in zip(together, alone, strict=True)),
        statistics.median(one / base for one, base in zip(control, alone, strict=True)),
        sum(one[cluster.n1.port] for one in (*counted["together"], *counted["control"])),
    )


def section(file: Path = FILE) -> Iterator[str]:
    """The part of the page; nothing where nothing was measured."""
    if not file.exists():
        return
    found = Reads(**json.loads(file.read_text(encoding="utf-8")))
    yield from ("## Reads through two replicas", "", INTRO)
    yield from heading("profile | of what the replicas give | reads that the primary served")
    yield row(["each replica a profile of its own", f"1 ({found.alone:.0f} reads a second)", ""])
    yield row(['both, `reads.from = "prefer-replica"`', f"{found.together:.2f}", found.primary])
    yield row(["one of them, as a control", f"{found.control:.2f}", ""])
    yield ""


def run() -> Reads:
    """Measure, and keep what was found for the page."""
    with postgresql_cluster() as cluster:
        found = asyncio.run(measure(cluster))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def main() -> int:
    """Run it."""
    logging.getLogger("myfy_data").setLevel(logging.CRITICAL)
    found = run()
    sys.stdout.write("\n".join(section()) + "\n")
    sys.stderr.write(f"{'; '.join(found.broken) or 'as promised'}\n")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
