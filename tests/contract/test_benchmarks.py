"""The benchmark of loading still runs. What it measures is for people: no test here looks at a clock."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarking import BENCHMARKS, python

SMALLEST = ["--profiles", "2", "--repetitions", "1", "--loads", "2"]

WITH_A_ROW_THAT_IS_NOT_INSTALLED = f"""
import config_load, config_report, sys
config_report.ROWS["absent"] = "a library"
sys.exit(config_load.main({SMALLEST} + ["--formats", "toml", "--rows", "absent", "floor"]))
"""

WITH_ANOTHER_VARIABLE = """
import config_child, config_project, os, sys
from pathlib import Path
directory = Path(sys.argv[1])
config_project.write(directory, 2, "toml")
os.environ |= {name: "6" for name in config_project.variables()}
config_child.best("parsing", directory, 2, 1)
"""


@pytest.fixture(scope="module")
def smallest() -> subprocess.CompletedProcess[str]:
    return python(str(BENCHMARKS / "config_load.py"), *SMALLEST, "--rows", "floor", "ours", "parsing", "reading")


def test_the_benchmark_runs(smallest: subprocess.CompletedProcess[str]) -> None:
    assert (smallest.returncode, smallest.stderr) == (0, "")


@pytest.mark.parametrize("words", ["2 profiles, TOML", "2 profiles, YAML", "CPython", "tomli ", "load adds MiB"])
def test_it_says_what_it_measured(smallest: subprocess.CompletedProcess[str], words: str) -> None:
    assert words in smallest.stdout


@pytest.mark.parametrize("bound", ["TOML load against the floor", "YAML reading against CSafeLoader"])
def test_it_puts_ratios_beside_the_bounds(smallest: subprocess.CompletedProcess[str], bound: str) -> None:
    """Contract C3.13."""
    (line,) = [line for line in smallest.stdout.splitlines() if line.startswith(bound)]

    assert [float(ratio) > 0 for ratio in line.rpartition(": ")[2].split()] == [True] * 3


def test_a_row_that_cannot_run_is_named() -> None:
    done = python("-c", WITH_A_ROW_THAT_IS_NOT_INSTALLED)

    assert done.returncode == 1
    # Python 3.15 adds a guess.
    assert done.stderr.startswith("a library cannot run: ModuleNotFoundError: No module named 'config_rows.absent'")


def test_the_other_rows_run_all_the_same() -> None:
    done = python("-c", WITH_A_ROW_THAT_IS_NOT_INSTALLED)

    assert "floor: parser + our models" in done.stdout


def test_a_row_that_loads_wrong_values_is_refused(tmp_path: Path) -> None:
    done = python("-c", WITH_ANOTHER_VARIABLE, str(tmp_path / "project"))

    assert (done.returncode, done.stderr) == (1, "loads a wrong value: tenant0001.pool_size is 6, not 777\n")
