"""Without its framework an adapter says which line installs it; the package itself needs none (contract C6)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox import child_environment

PROGRAM = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import myfy_data
try:
    __import__(f"myfy_data.integrations.{sys.argv[1]}")
except myfy_data.MissingPackageError as error:
    print(isinstance(error, ImportError), error.package, type(error.__cause__).__name__, error)
"""


@pytest.mark.parametrize("framework", ["fastapi", "starlette", "litestar"])
def test_a_missing_framework_is_told_with_the_line_that_installs_it(framework: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, framework],
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=tmp_path,
    )

    message = f"myfy_data.integrations.{framework} needs {framework}, which is not installed"
    assert (
        done.stdout == f'True {framework} ModuleNotFoundError {message}\n  fix: pip install "myfy-data[{framework}]"\n'
    )
