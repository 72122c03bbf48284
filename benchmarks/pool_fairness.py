"""How long a task waits for a connection while others are busy with all of them: our pool beside SQLAlchemy's.

Usage: `python benchmarks/pool_fairness.py [--url URL] [--workers 32] [--pool 10] [--seconds 2] [--rounds 7]`.
Needs a PostgreSQL server. Each round runs both pools, in turns first, over connections that are open already.

A worker checks a connection out, asks for one number, gives the connection back, and starts again at once, without
giving up the event loop in between: what code does that opens one session after the other. Visitors do the same once,
each in a task of its own, and come every 5 ms whatever happened to those before. Latency is theirs: workers who starve
finish so few operations that a percentile of all operations would not see them.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from myfy_data.engines.pool.pool import BoundedPool

EVERY = 0.005
"""Seconds between two visitors."""

POOLS: dict[str, type[AsyncAdaptedQueuePool]] = {"SQLAlchemy": AsyncAdaptedQueuePool, "ours": BoundedPool}
STATEMENT = text("SELECT 1")


@dataclass(frozen=True)
class Load:
    """What both pools get to do."""

    url: str
    workers: int
    pool: int
    seconds: float


@dataclass(frozen=True)
class Sample:
    """One run of one pool; latencies of visitors in seconds, from asking for a connection to having given it back."""

    p50: float
    p99: float
    longest: float
    rate: float


async def run(load: Load, pool: type[AsyncAdaptedQueuePool]) -> Sample:
    """Run workers and visitors on one pool until the time is over."""
    engine = create_async_engine(
        load.url, poolclass=pool, pool_size=load.pool, max_overflow=0, isolation_level="AUTOCOMMIT"
    )
    try:
        await open_all(engine, load.pool)
        started = time.perf_counter()
        end = started + load.seconds
        counts, latencies = await asyncio.gather(
            asyncio.gather(*(work(engine, end) for _ in range(load.workers))), receive(engine, end)
        )
        took = time.perf_counter() - started
    finally:
        await engine.dispose()
    percentiles = quantiles(latencies, n=100)
    return Sample(percentiles[49], percentiles[98], max(latencies), (sum(counts) + len(latencies)) / took)


async def open_all(engine: AsyncEngine, size: int) -> None:
    """Fill the pool."""
    connections = await asyncio.gather(*(engine.connect() for _ in range(size)))
    for connection in connections:
        await connection.execute(STATEMENT)
        await connection.close()


async def operate(engine: AsyncEngine) -> None:
    """One operation."""
    connection = await engine.connect()
    await connection.execute(STATEMENT)
    await connection.close()


async def work(engine: AsyncEngine, end: float) -> int:
    """One worker, until the time is over; how many operations it did."""
    count = 0
    while time.perf_counter() < end:
        await operate(engine)
        count += 1
    return count


async def receive(engine: AsyncEngine, end: float) -> list[float]:
    """Visitors, until the time is over; how long each one took."""
    visits = []
    while time.perf_counter() < end:
        visits.append(asyncio.ensure_future(visit(engine)))
        await asyncio.sleep(EVERY)
    return await asyncio.gather(*visits)


async def visit(engine: AsyncEngine) -> float:
    """One visitor."""
    asked = time.perf_counter()
    await operate(engine)
    return time.perf_counter() - asked


def measure(load: Load, rounds: int) -> dict[str, list[Sample]]:
    """Run the pools in turns, each first in every second round; a round before them warms everything up."""
    samples: dict[str, list[Sample]] = {name: [] for name in POOLS}
    for number in range(rounds + 1):
        names = list(POOLS) if number % 2 else list(reversed(POOLS))
        for name in names:
            sample = asyncio.run(run(load, POOLS[name]))
            if number:
                samples[name].append(sample)
    return samples


def table(samples: dict[str, list[Sample]]) -> Iterator[str]:
    """The medians of each pool, and the ratio of each round: ours divided by SQLAlchemy's."""
    yield "| | p50 ms | p99 ms | longest ms | operations / s |"
    yield "|---|---|---|---|---|"
    for name, runs in samples.items():
        times = [median(getattr(run, key) for run in runs) * 1000 for key in ("p50", "p99", "longest")]
        rate = median(run.rate for run in runs)
        yield f"| {name} | " + " | ".join(f"{value:.1f}" for value in times) + f" | {rate:.0f} |"
    ratios = [ratio(samples, key) for key in ("p50", "p99", "longest", "rate")]
    yield "| ratio min/median/max | " + " | ".join(ratios) + " |"


def ratio(samples: dict[str, list[Sample]], key: str) -> str:
    """Ours divided by SQLAlchemy's, round by round."""
    pairs = zip(samples["ours"], samples["SQLAlchemy"], strict=True)
    values = [getattr(ours, key) / getattr(theirs, key) for ours, theirs in pairs]
    return "/".join(f"{value:.2f}" for value in (min(values), median(values), max(values)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="postgresql+asyncpg://postgres@127.0.0.1:5432/postgres")
    for name, default in (("workers", 32), ("pool", 10), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args(arguments)
    load = Load(given.url, given.workers, given.pool, given.seconds)
    versions = f"Python {platform.python_version()}, SQLAlchemy {sqlalchemy.__version__}"
    print(f"{versions}, {given.rounds} rounds of {load.seconds:g} s;")
    print(f"{load.workers} workers on {load.pool} connections, a visitor every {EVERY * 1000:g} ms\n")
    print("\n".join(table(measure(load, given.rounds))))


if __name__ == "__main__":
    main()
