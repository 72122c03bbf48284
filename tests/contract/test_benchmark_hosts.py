"""The benchmark of requests still runs, up to the load itself, which needs packages and a tool that tests do not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.benchmarking import BENCHMARKS, python

ASK = """
import asyncio, httpx, importlib, sys
from host_apps.common import Base, plain_engine

async def ask():
    engine = plain_engine()
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    transport = httpx.ASGITransport(importlib.import_module(sys.argv[1]).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        stored = await client.post("/items/something")
        read = await client.get("/items/1")
        print(stored.status_code, stored.json(), read.status_code, read.json())

asyncio.run(ask())
"""

COMPARE = """
from hosts_load import Row, Sample
from hosts_report import bounds, table

plain, ours = (Row("starlette", library, ping=True) for library in ("plain", "ours"))
samples = {
    (plain, "read"): [Sample(100, 1000, 10), Sample(200, 500, 20), Sample(100, 1000, 30)],
    (ours, "read"): [Sample(110, 900, 10), Sample(190, 500, 40), Sample(100, 1000, 30)],
}
print(table(samples, [plain, ours], "read"), *bounds(samples, ["read"]), sep="\\n")
"""


@pytest.mark.parametrize("library", ["plain", "ours"])
@pytest.mark.parametrize("host", ["fastapi", "starlette", "litestar", pytest.param("myfy", marks=pytest.mark.myfy)])
def test_an_application_answers_what_it_stored(host: str, library: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'bench.db'}"

    done = python("-c", ASK, f"host_apps.{host}_{library}", BENCH_URL=url, BENCH_PRE_PING="1")

    item = {"id": 1, "name": "something"}
    assert (done.stdout, done.returncode) == (f"201 {item} 200 {item}\n", 0), done.stderr


def test_the_direct_calls_run(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bench.db")) as connection:
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        connection.executemany("INSERT INTO items (name) VALUES (?)", [("something",)] * 7)
        connection.commit()
    url = f"sqlite+aiosqlite:///{tmp_path / 'bench.db'}"

    done = python(str(BENCHMARKS / "hosts_cpu.py"), "starlette", "read", "1", BENCH_URL=url)

    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["plain", "plain, no ping", "ours"]


def test_it_says_that_wrk_is_missing(tmp_path: Path) -> None:
    done = python(str(BENCHMARKS / "hosts.py"), "--hosts", "starlette", PATH=str(tmp_path))

    assert (done.returncode, done.stderr) == (2, "wrk is not installed\n  fix: apt-get install wrk\n")


def test_ratios_are_taken_within_a_round() -> None:
    done = python("-c", COMPARE)

    ours, bound = done.stdout.splitlines()[2:]
    rate, cpu = ["110", "0.95", "1.00", "1.10", "0.95"], ["900", "0.90", "1.00", "1.00", "1.00"]
    assert ours.split() == ["ours", *rate, *cpu, "30"]
    assert bound == "starlette, read: ours against plain, at least 0.97: 0.95  1.00  1.10  best 0.95"
