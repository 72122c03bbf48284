"""What the test kit adds to a test, beside the same test without it: `python benchmarks/testing_kit.py [URL]`.

The cost of one test is the slope between a short and a long run, so that the start of Python and pytest is not in it;
runs with and without the kit take turns, and the least of each counts: by the clock, and in processor time of the tests
themselves, which other work on the machine changes less. The benchmark fills the database: without the kit, rows stay.
Without a URL it is on a PostgreSQL of this machine, or one that is started, and ends with it. Then a server that is
started is timed, whose files are there already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from myfy_data import DatabaseSettings
from myfy_data.servers.administration import ask_blocking
from myfy_data.servers.find import find_server

AIM = 3.0
"""Milliseconds that the kit may add to a test."""

START_AIM = 2.0
"""Seconds within which a server starts whose files are there."""

SHORT, LONG = 20, 220

PROJECT = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
{options}
"""

TESTS = """
import pytest
from app import data, Item


@pytest.mark.parametrize("number", range({number}))
async def test_one(number):
    async with data.session() as session:
        session.add(Item(name="a"))
"""

APP = """
from myfy_data import Base, DataModule
from sqlalchemy.orm import Mapped, mapped_column


class Item(Base):
    __tablename__ = "bench_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


data = DataModule()
"""

KIT = 'myfy_data_app = "app:data"\nmyfy_data_schema = "metadata:app:Base.metadata"'


class Times(NamedTuple):
    """What something took: seconds by the clock, and of a processor."""

    clock: float
    processor: float


def run(root: Path, url: str, number: int, *, with_kit: bool) -> Times:
    """Run so many tests."""
    (root / "pyproject.toml").write_text(PROJECT.format(options=KIT if with_kit else ""))
    (root / "test_bench.py").write_text(TESTS.format(number=number))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [] if with_kit else ["-p", "no:myfy_data"]
    environment = {**os.environ, "MYFY_DATA_DATABASE_URL": url, "MYFY_DATA_ENVIRONMENT": "test"}
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    clock, after = time.perf_counter() - started, os.times()
    children = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return Times(clock, children)


def per_test(root: Path, url: str, *, with_kit: bool) -> Times:
    """Milliseconds of one test."""
    short, long = (run(root, url, number, with_kit=with_kit) for number in (SHORT, LONG))
    clock, processor = ((after - before) / (LONG - SHORT) * 1000 for before, after in zip(short, long, strict=True))
    return Times(clock, processor)


@contextmanager
def a_database() -> Iterator[str]:
    """The URL of a database that ends with the block.

    Raises:
        SystemExit: there is no PostgreSQL, and none can be started.
    """
    server = find_server("postgresql")
    if server is None:
        raise SystemExit('no PostgreSQL is here: pip install "myfy-data[embedded]"')
    name = f"bench_kit_{os.getpid()}"
    with server:
        yield server.url(name)
        settings = DatabaseSettings(database_url=server.url("postgres"))
        for found in [row[0] for row in ask_blocking(settings, "SELECT datname FROM pg_database")]:
            if found.startswith(name):
                ask_blocking(settings, f'DROP DATABASE "{found}" WITH (FORCE)')


def second_start() -> float:
    """Seconds until a server of our own answers; its files are made before the clock runs.

    Raises:
        SystemExit: none can be started.
    """
    for _ in range(2):
        started = time.perf_counter()
        server = find_server("postgresql", "embedded")
        took = time.perf_counter() - started
        if server is None:
            raise SystemExit('no PostgreSQL can be started: pip install "myfy-data[embedded]"')
        server.stop()
    return took


def main() -> None:
    """Measure both in turn, and print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", help="such as postgresql+asyncpg://postgres@127.0.0.1/bench_test")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with nullcontext(arguments.url) if arguments.url else a_database() as url, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "app.py").write_text(APP)
        run(root, url, 1, with_kit=True)  # makes the database and its tables
        rounds = [
            [per_test(root, url, with_kit=with_kit) for with_kit in (True, False)] for _ in range(arguments.rounds)
        ]
    for what, of in (("by the clock", 0), ("of a processor", 1)):
        kit, plain = (min(times[of] for times in column) for column in zip(*rounds, strict=True))
        added = f"{kit - plain:+.2f} ms (aim: at most {AIM:+.0f} ms)"
        print(f"{what}: with the kit {kit:.2f} ms, without {plain:.2f} ms: {added}")
    print(f"second start of a server: {second_start():.2f} s (aim: at most {START_AIM:.0f} s)")
    print(f"load of the machine in the last 5 minutes: {os.getloadavg()[1]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
