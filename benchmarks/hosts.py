"""What a request costs on each host: this package beside plain SQLAlchemy, upstream's myfy-data and advanced-alchemy.

Usage: `make bench-hosts`, or `python benchmarks/hosts.py --help`. Needs Linux, `wrk` and a PostgreSQL server; makes its
environments in `.venv-bench/` and its database, which it drops. The applications of one host run side by side, and one
at a time is under load, another one first in each round. Nothing here passes or fails by the clock. Exit code 0; 1
when a row cannot run, 2 when something is missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from hosts_environments import ENVIRONMENT_OF, MYFY, make_environment, python_of, versions
from hosts_load import OPERATIONS, CannotRunError, Row, Sample, Server
from hosts_report import aligned, bounds, table

HERE = Path(__file__).resolve().parent
HOSTS = {
    "fastapi": ("plain", "ours", "advanced_alchemy"),
    "starlette": ("plain", "ours", "advanced_alchemy"),
    "litestar": ("plain", "ours", "advanced_alchemy"),
    "myfy": ("plain", "ours", "upstream"),
}
WITHOUT_PING = ("plain", "advanced_alchemy")
"""Libraries that are measured without pings, too: advanced-alchemy's default, and SQLAlchemy's."""

Results = dict[tuple[Row, str], list[Sample]]


def rows_of(host: str, libraries: Sequence[str]) -> list[Row]:
    """The rows of one host."""
    asked = [library for library in HOSTS[host] if library in libraries]
    return [Row(host, library, ping) for library in asked for ping in (True, False) if ping or library in WITHOUT_PING]


@contextmanager
def database(server: str) -> Iterator[str]:
    """A database of its own; SQLAlchemy's URL."""
    name = f"myfy_data_bench_{secrets.token_hex(4)}"
    command = [python_of("ours"), HERE / "hosts_database.py", server]
    try:
        subprocess.run([*command, "make", name], check=True)
        yield urlsplit(server)._replace(scheme="postgresql+asyncpg", path=f"/{name}").geturl()
    finally:
        subprocess.run([*command, "drop", name], check=True)


def measure(rows: Sequence[Row], url: str, options: argparse.Namespace) -> tuple[Results, dict[Row, str]]:
    """Load the applications of one host in turns; the samples, and for each row that failed why."""
    results: Results = defaultdict(list)
    failures: dict[Row, str] = {}
    servers: list[Server] = []
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for row in rows:
            try:
                servers.append(Server(row, url, stack))
            except (CannotRunError, OSError) as error:
                failures[row] = str(error)
        for number in range(options.rounds + 1):
            first = number % max(len(servers), 1)
            for server in (*servers[first:], *servers[:first]):
                _round(server, work, options, results if number else defaultdict(list), failures)
    return {key: found for key, found in results.items() if key[0] not in failures}, failures


def _round(server: Server, work: Path, options: argparse.Namespace, results: Results, failures: dict[Row, str]) -> None:
    for operation in options.operations:
        if server.row not in failures:
            try:
                sample = server.measure(operation, options.seconds, options.connections, work)
            except CannotRunError as error:
                failures[server.row] = str(error)
            else:
                results[server.row, operation].append(sample)


def processor_time(host: str, operation: str, url: str, turns: int) -> str:
    """What a request costs in one process, called directly: see `hosts_cpu.py`."""
    command = [python_of("ours"), HERE / "hosts_cpu.py", host, operation, str(turns)]
    done = subprocess.run(
        command,
        env=os.environ | {"BENCH_URL": url, "PYTHONPATH": str(HERE)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        return f"{host}, {operation}: {done.stderr.strip().splitlines()[-1]}"
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return aligned(
        [[f"{host}, {operation}", "CPU us/request", "x plain:", "min", "median", "max", "best"]]
        + [[name, cost, "", *ratios] for name, cost, *ratios in lines]
    )


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Times requests on each host.")
    parser.add_argument("--hosts", nargs="+", choices=HOSTS, default=list(HOSTS), metavar="HOST", help=", ".join(HOSTS))
    parser.add_argument(
        "--libraries", nargs="+", choices=ENVIRONMENT_OF, default=list(ENVIRONMENT_OF), metavar="LIBRARY"
    )
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="one more fills caches before the first")
    parser.add_argument("--turns", type=int, default=60, metavar="N", help="of the direct calls; 0 leaves them out")
    parser.add_argument("--seconds", type=int, default=3, metavar="N", help="for each row and operation in a round")
    parser.add_argument("--connections", type=int, default=32, metavar="N")
    server = os.environ.get("BENCH_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--server", default=server, metavar="URL", help="a PostgreSQL account that may make databases")
    options = parser.parse_args(words)
    if min(options.rounds, options.seconds, options.connections) < 1:
        parser.error("at least 1 round, second and connection")
    if not MYFY and "myfy" in options.hosts:
        options.hosts.remove("myfy")
        print("myfy is left out: it needs Python 3.12 or later", file=sys.stderr)
    return options


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    options = arguments(words)
    if shutil.which("wrk") is None:
        print("wrk is not installed\n  fix: apt-get install wrk", file=sys.stderr)
        return 2
    rows = [row for host in options.hosts for row in rows_of(host, options.libraries)]
    for library in dict.fromkeys([*(row.library for row in rows), "ours"]):
        make_environment(library)
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(*(f"{library}: {versions(library)}" for library in dict.fromkeys(row.library for row in rows)), sep="\n")
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections; ratios: min median max")
    results: Results = {}
    failures: dict[Row, str] = {}
    for host in options.hosts:
        beside = [row for row in rows if row.host == host]
        with database(options.server) as url:
            found, failed = measure(beside, url, options)
            direct = [processor_time(host, each, url, options.turns) for each in options.operations if options.turns]
        results |= found
        failures |= failed
        for operation in options.operations:
            print("", table(found, beside, operation), sep="\n")
        print("", "called directly, one request at a time:", *direct, sep="\n", flush=True)
    print("", *bounds(results, options.operations), sep="\n")
    for row, reason in failures.items():
        print(f"{row.host}, {row} cannot run: {reason}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
