"""What loading configuration costs: this package against its floor and against other libraries.

Usage: `make bench-config`, or `python benchmarks/config_load.py --help`. Each row runs in processes of its own, one at
a time, and another row goes first in each repetition. Nothing here passes or fails by the clock. Exit code 0; 1 when a
row cannot run or loads wrong values.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config_project import variables, write
from config_report import EMPTY, FORMATS, ROWS, Key, Sample, Samples, bounds, load_table, process_table, versions

HERE = Path(__file__).resolve().parent


class CannotRunError(Exception):
    """A row failed; the message is the last line that it wrote."""


@dataclass(frozen=True)
class Bench:
    """Measures rows, one at a time.

    Attributes:
        work: a directory of its own.
        profiles: how many the project has.
        loads: how many loads the best is taken of.
    """

    work: Path
    profiles: int
    loads: int

    def directory(self, file_format: str) -> Path:
        """The project in this format."""
        return self.work / str(self.profiles) / file_format

    def run(self, keys: Sequence[Key], repetitions: int) -> tuple[Samples, dict[str, str]]:
        """The samples of each row, and for each row that failed why."""
        samples: Samples = defaultdict(list)
        failures: dict[str, str] = {}
        for repetition in range(repetitions + 1):
            first = repetition % len(keys)
            for key in (*keys[first:], *keys[:first]):
                if key[0] in failures:
                    continue
                try:
                    sample = self.measure(key)
                except CannotRunError as error:
                    failures[key[0]] = str(error)
                    continue
                if repetition:  # before the first, bytecode and file caches are filled
                    samples[key].append(sample)
        return {key: found for key, found in samples.items() if key[0] not in failures}, failures

    def measure(self, key: Key) -> Sample:
        """One row, once cold and once warm."""
        row, file_format = key
        began = time.perf_counter()
        if row == EMPTY:
            self.child("-c", "pass")
            return Sample(time.perf_counter() - began)
        directory = self.directory(file_format)
        imported, _, peak, added = self.child(HERE / "config_child.py", "cold", row, directory, cwd=directory)
        process = time.perf_counter() - began
        words = (HERE / "config_child.py", "best", row, directory, self.profiles, self.loads)
        (load,) = self.child(*words, cwd=directory)
        return Sample(process, load, imported, int(peak), int(added))

    def child(self, *arguments: object, cwd: Path | None = None) -> list[float]:
        """Run one child to its end; the numbers that it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=self.environment(),
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise CannotRunError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
        return [float(number) for number in done.stdout.split()]

    def environment(self) -> dict[str, str]:
        """The variables of a child: none that another project set, and bytecode kept as an installation keeps it."""
        others = ("MYFY_", "BENCH_", "DYNACONF", "PYTHON", "COVERAGE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        ours = {"PYTHONPATH": str(HERE.parent), "PYTHONPYCACHEPREFIX": str(self.work / "bytecode")}
        return inherited | variables() | ours


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Times the loading of configuration.")
    parser.add_argument("--profiles", type=int, nargs="+", default=[20, 1000], metavar="N", help="at least 2 each")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N")
    parser.add_argument("--loads", type=int, default=100, metavar="N", help="the best of so many is a warm load")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS), metavar="FORMAT")
    options = parser.parse_args(words)
    if min(options.profiles) < 2 or options.repetitions < 1 or options.loads < 1:
        parser.error("at least 2 profiles, 1 repetition and 1 load")
    return options


def keys(options: argparse.Namespace) -> list[Key]:
    """What to measure; the empty Python has no format."""
    asked = [(row, file_format) for file_format in options.formats for row in options.rows if row != EMPTY]
    return [*([(EMPTY, "")] if EMPTY in options.rows else []), *asked]


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    options = arguments(words)
    print(versions())
    failed: dict[str, str] = {}
    results: dict[int, Samples] = {}
    with tempfile.TemporaryDirectory() as work:
        for profiles in options.profiles:
            bench = Bench(Path(work), profiles, options.loads)
            sizes = {name: write(bench.directory(name), profiles, name) for name in options.formats}
            results[profiles], failures = bench.run(keys(options), options.repetitions)
            failed |= failures
            for name, size in sizes.items():
                print(
                    f"\n{profiles} profiles, {name.upper()}, {size / 1024:.0f} KiB, {options.repetitions} repetitions"
                )
                print(load_table(results[profiles], name), process_table(results[profiles], name), sep="\n")
    print("", *bounds(results), sep="\n")
    for row, reason in failed.items():
        print(f"{ROWS[row]} cannot run: {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
