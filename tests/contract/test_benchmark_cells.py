"""The benchmark of cells still runs, on SQLite and without valgrind; what it counts is for people."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarking import BENCHMARKS, python

RENEW = """
import sys
from collections import Counter
from pathlib import Path
from cells_child import UNITS
from cells_report import CellResults, write_page

calls = {"myfy_data.engines.pool.pool:get": 3 * UNITS, "cells_child:units": UNITS, "decimal:add": UNITS}
rows = {"ours": calls, "plain": {"sqlalchemy.pool.base:get": 2 * UNITS}}
seconds = {"ours": [UNITS * 3e-6], "plain": [UNITS * 4e-6]}
instructions = {"ours": UNITS * 2000, "plain": UNITS * 4000}
for _ in range(2):
    write_page(Path(sys.argv[1]), CellResults.build([("sqlite", "read", 1)], [rows], [seconds], [instructions]))
"""


@pytest.fixture(scope="module")
def smallest() -> subprocess.CompletedProcess[str]:
    options = ("--databases", "sqlite", "--operations", "read_only", "--no-valgrind", "--functions", "3")
    return python(BENCHMARKS / "cells.py", *options)


def test_each_cell_has_calls_and_seconds_of_both(smallest: subprocess.CompletedProcess[str]) -> None:
    lines = [line for line in smallest.stdout.splitlines() if line.startswith("| SQLite, read, read_only, ")]
    found = [[cell for cell in line.strip("| ").split(" | ") if cell.strip()] for line in lines]

    assert smallest.returncode == 0, smallest.stderr
    assert [row[0] for row in found] == [f"SQLite, read, read_only, {workers} at once" for workers in (1, 32)]
    assert [all(float(cell.strip("* ")) > 0 for cell in row[1:]) for row in found] == [True, True]
    assert [len(row) for row in found] == [7, 7]


def test_it_says_where_the_calls_go(smallest: subprocess.CompletedProcess[str]) -> None:
    groups = [line.split(" | ")[0] for line in smallest.stdout.splitlines() if line.startswith("| ours: ")]

    assert groups == ["| ours: sessions", "| ours: the pool", "| ours: the connection"]


def test_a_page_is_renewed_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    begin, end = (
        "<!-- Made by `make bench-cells`: do not edit from here ... -->",
        "<!-- ... to here: `make bench-cells`. -->",
    )
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")

    done = python("-c", RENEW, page)

    written = page.read_text(encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "| SQLite, read, 1 at once | 4 | 2 | **2.00** | 2 | 4 | **0.50** | 3 | 4 | 0.75 |" in written
    assert "| ours: the pool | 3, 0 |\n| SQLAlchemy: the pool | 0, 2 |\n| the standard library | 1, 0 |" in written
    assert (written.startswith(f"before\n{begin}\n\n- "), written.endswith(f"\n\n{end}\nafter\n")) == (True, True)
    assert "old" not in written


def test_the_servers_can_be_had() -> None:
    """By the names that the tests' own servers have."""
    done = python("-c", "import database_places, cells")

    assert (done.returncode, done.stderr) == (0, "")
