"""Running a benchmark, or a program that imports its parts, as its user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox import RUN_TIMEOUT, child_environment

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def python(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python, which finds the modules of the benchmarks.

    Args:
        arguments: of Python.
        variables: on top of a child's own.
    """
    environment = child_environment()
    environment["PYTHONPATH"] = os.pathsep.join([str(BENCHMARKS), environment["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )
