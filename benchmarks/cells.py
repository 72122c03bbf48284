"""What a unit of work costs beside plain SQLAlchemy without ping: calls of Python functions, instructions, CPU.

Usage: `make bench-cells`, or `python benchmarks/cells.py --help`. Every cell of {read, read in a session that only
reads, insert, change of two rows} x {1, 32 at once} x {PostgreSQL, MariaDB, a file of SQLite}, on servers of its own.
Calls are the same on a busy machine, and so are instructions, to a percent or two, where valgrind is there to count
them; CPU is the median of ten rounds in which both alternate. Exit code 0; 2 when a server is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from shutil import which
from typing import Any

from cells_child import OURS, PLAIN, Cell
from cells_report import CellResults, report, write_page
from database_places import DATABASES, HERE, CannotRunError, address, tables

OPERATIONS = ("read", "read_only", "insert", "change")
WORKERS = (1, 32)


def measure(options: argparse.Namespace) -> CellResults:
    """Measure everything.

    Raises:
        CannotRunError: a server is not installed, or the process that measures failed.
    """
    cells = list(product(options.databases, options.operations, WORKERS))
    with ExitStack() as stack:
        urls = {name: address(name, stack) for name in options.databases}
        for url in urls.values():
            tables("make", url, sys.executable)
        calls = ask("count", cells, urls)
        seconds = ask("time", cells, urls)
        instructions = count_instructions(cells, urls) if options.valgrind else []
    return CellResults.build(cells, calls, seconds, instructions)


def ask(what: str, cells: Sequence[Cell], urls: Mapping[str, str], *before: str) -> list[Any]:
    """What a process of its own finds.

    Args:
        what: see `cells_child.py`.
        cells: what to measure.
        urls: the databases by name.
        before: a program, with its options, that runs the process.

    Raises:
        CannotRunError: it failed.
    """
    print(f"{what} ...", file=sys.stderr, flush=True)
    command = [*before, sys.executable, HERE / "cells_child.py", what, json.dumps(cells), json.dumps(urls)]
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("MYFY_", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith("==")]  # as valgrind's lines do
        raise CannotRunError(f"{what} failed: {' '.join(said[-1:])}")
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def count_instructions(cells: Sequence[Cell], urls: Mapping[str, str]) -> list[dict[str, int]]:
    """Instructions of each row for each cell, the kernel's excepted; nothing where they cannot be counted."""
    if which("valgrind") is None:
        print("valgrind is not installed: no instructions", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "callgrind"
        marks = ("--zero-before=os_getpgid", "--dump-before=os_getsid")
        ask("instructions", cells, urls, "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", *marks)
        found = [_total(output.with_name(f"callgrind.{number + 1}")) for number in range(2 * len(cells))]
    return [dict(zip((OURS, PLAIN), found[at : at + 2], strict=True)) for at in range(0, len(found), 2)]


def _total(path: Path) -> int:
    try:
        found = re.search(r"^summary: (\d+)", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except FileNotFoundError:
        raise CannotRunError("valgrind does not see the functions of this Python: --no-valgrind") from None
    return int(found[1]) if found else 0


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Counts what a unit of work costs beside plain SQLAlchemy.")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES), metavar="DATABASE")
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=list(OPERATIONS), metavar="OPERATION")
    parser.add_argument("--no-valgrind", dest="valgrind", action="store_false", help="count no instructions")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="name the N functions called most")
    parser.add_argument("--page", type=Path, metavar="FILE", help="renew this page's table")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Measure and print."""
    options = arguments(words)
    began = time.monotonic()
    try:
        results = measure(options)
    except CannotRunError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"took {time.monotonic() - began:.0f} s\n", file=sys.stderr)
    print(report(results, functions=options.functions))
    if options.page:
        write_page(options.page, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
