"""What a unit of work costs on each database: this package beside plain SQLAlchemy, the raw drivers and its peers.

Usage: `make bench-database`, or `python benchmarks/database.py --help`. Needs Linux, the programs of PostgreSQL and of
MariaDB, which it starts itself, and Python 3.12 or later for upstream's row; makes its environments in `.venv-bench/`.
All rows wait side by side in processes of their own, and one at a time works, for a fraction of a second; another one
goes first in each repetition. Nothing here passes or fails by the clock. Exit code 0; 1 when a row cannot run, 2 when
a server is missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from database_environments import BASE, ROWS, make_environment, versions
from database_page import write_page
from database_places import DATABASES, DELAY, CannotRunError, Child, Place, places, tables
from database_report import report
from database_samples import OPERATIONS, Cell, Results, Sample, load

WORKERS = (1, 32)
LIMIT = 320.0
"""Seconds within which all repetitions end; a busy machine makes fewer."""
COUNTED = 20
"""Operations whose round trips are counted."""


class Bench:
    """Measures the rows, one at a time.

    Args:
        children: the rows' processes.
        options: of the command line.
        results: where the samples go.
    """

    def __init__(self, children: list[Child], options: argparse.Namespace, results: Results) -> None:
        self._children = children
        self._options = options
        self._results = results
        self.failures: dict[str, str] = {}

    def open(self, found: Sequence[Place]) -> None:
        """Let every row open its pools and show that it does what it should."""
        for child, place in product(self._children, found):
            self._try(child, "open", place=place.name, url=place.url)
            if "insert" in ROWS[child.row].operations:
                self._try(child, "check", place=place.name)

    def count_round_trips(self, place: Place) -> None:
        """Count what goes over the line for each operation, once every connection knows it."""
        for child, operation in product(self._children, self._options.operations):
            if place.proxy is not None and operation in ROWS[child.row].operations:
                self._try(child, "run", place=place.name, operation=operation, times=COUNTED)
                before = place.proxy.round_trips(0.0)
                self._try(child, "run", place=place.name, operation=operation, times=COUNTED)
                counted = (place.proxy.round_trips(place.delay) - before) / COUNTED
                self._results.round_trips[child.row, place.database, operation] = counted

    def repeat(self, repetition: int, cells: Sequence[Cell]) -> None:
        """Give every row a slot for each cell, another one first each time."""
        first = repetition % len(self._children)
        for cell in cells:
            for child in (*self._children[first:], *self._children[:first]):
                if cell.operation in ROWS[child.row].operations:
                    self._slot(child, cell)

    def _slot(self, child: Child, cell: Cell) -> None:
        details = {"place": cell.place, "operation": cell.operation, "concurrency": cell.workers}
        done = self._try(child, "slot", **details, seconds=self._options.slot)
        if done is not None and done["count"]:
            sample = Sample(done["count"] / done["seconds"], done["cpu"] / done["count"] * 1e6, done["latencies"])
            self._results.samples.setdefault((child.row, cell), []).append(sample)

    def end(self, found: Sequence[Place]) -> None:
        """Close all pools, and compare what the rows say they stored with what is there."""
        done = [self._try(child, "end") or {} for child in self._children]
        if not self.failures:
            stored = [tables("count", url) for url in dict.fromkeys(place.straight for place in found)]
            acknowledged = [sum(one["insert"] for one in done), 2 * sum(one["change"] for one in done)]
            if [sum(numbers) for numbers in zip(*stored, strict=True)] != acknowledged:
                self.failures["all rows"] = f"stored {stored}, but acknowledged {acknowledged}"

    def _try(self, child: Child, command: str, **details: object) -> dict[str, object] | None:
        if child.row in self.failures:
            return None
        try:
            return child.do(command, **details)
        except CannotRunError as error:
            self.failures[child.row] = f"{command} {details.get('place', '')}: {error}"
            return None


def measure(options: argparse.Namespace) -> tuple[Results, dict[str, str]]:
    """Measure everything; the results, and for each row that failed why.

    Raises:
        CannotRunError: a server is not installed.
    """
    results = Results(about(options))
    with places(options.databases) as found, ExitStack() as stack:
        bench = Bench([Child(stack, row) for row in options.rows], options, results)
        bench.open(found)
        for place in found:
            bench.count_round_trips(place)
        cells = [Cell(place.name, *rest) for place, *rest in product(found, options.operations, WORKERS)]
        repetitions = repeat(bench, cells, options)
        bench.end(found)
    machine = f"{repetitions} repetitions; load average at the end: {os.getloadavg()[0]:.1f}"
    results.about.append(machine)
    for key in [key for key in results.samples if key[0] in bench.failures]:
        del results.samples[key]
    return results, bench.failures


def repeat(bench: Bench, cells: Sequence[Cell], options: argparse.Namespace) -> int:
    """Repeat as often as asked, or as there is time for; how often that was."""
    began = time.monotonic()
    for repetition in range(options.repetitions):
        each = (time.monotonic() - began) / max(repetition, 1)
        if each * (repetition + 1) > LIMIT:
            print(f"on this machine there is time for {repetition} repetitions", file=sys.stderr)
            return repetition
        print(f"repetition {repetition + 1} of {options.repetitions}", file=sys.stderr, flush=True)
        bench.repeat(repetition, cells)
    return int(options.repetitions)


def about(options: argparse.Namespace) -> list[str]:
    """The machine, the method and the versions."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    method = f"{options.slot:g} s for each row and cell in a repetition; the proxy: {DELAY * 1000:g} ms one way"
    return [machine, method, *versions(options.rows)]


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Times units of work on each database.")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES), metavar="DATABASE")
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--repetitions", type=int, metavar="N", help="5; with --quick 1")
    parser.add_argument("--slot", type=float, metavar="SECONDS", help="0.15; with --quick 0.05")
    parser.add_argument("--quick", action="store_true", help="less than a minute, and little to trust")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write what was measured down (JSON)")
    parser.add_argument("--load", type=Path, metavar="FILE", help="measure nothing: take what --save wrote")
    parser.add_argument("--page", type=Path, metavar="FILE", help="renew this page's tables, and its picture beside it")
    options = parser.parse_args(words)
    options.repetitions = options.repetitions or (1 if options.quick else 5)
    options.slot = options.slot or (0.05 if options.quick else 0.15)
    options.rows = list(dict.fromkeys([*options.rows, BASE]))
    if sys.version_info < (3, 12) and "upstream" in options.rows:
        options.rows.remove("upstream")
        print("upstream is left out: it needs Python 3.12 or later", file=sys.stderr)
    return options


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    options = arguments(words)
    failures: dict[str, str] = {}
    if options.load:
        results = load(options.load)
    else:
        for environment in dict.fromkeys(ROWS[row].environment for row in options.rows):
            make_environment(environment)
        began = time.monotonic()
        try:
            results, failures = measure(options)
        except CannotRunError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"took {time.monotonic() - began:.0f} s\n")
    print(report(results))
    if options.save:
        results.save(options.save)
    if options.page:
        write_page(options.page, results)
    for row, reason in failures.items():
        print(f"{row} cannot run: {reason}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
