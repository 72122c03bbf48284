"""A project in a temporary directory, for tests that read files and variables."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from myfy_data import DataSettings

RUN_TIMEOUT = 120.0
"""Seconds that one command may take before it counts as hung."""

_TERMINAL_VARIABLES = ("COLORTERM", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTHONWARNINGS")


def package_parent() -> Path:
    """The directory that holds the `myfy_data` under test: a source tree, or site-packages for a wheel."""
    spec = importlib.util.find_spec("myfy_data")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))).parent


def child_environment() -> dict[str, str]:
    """This process's variables, less those that change how a terminal looks, plus the package under test."""
    environ = {name: value for name, value in os.environ.items() if name not in _TERMINAL_VARIABLES}
    inherited = environ.get("PYTHONPATH")
    paths = [str(package_parent()), *([inherited] if inherited else [])]
    return environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


class Sandbox:
    """An empty project root: the working directory, with a `.git` at which discovery stops.

    Attributes:
        path: the project root.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch
        (path / ".git").mkdir()
        monkeypatch.chdir(path)

    def write(self, path: str | Path, text: str) -> Path:
        """Write a file, its text dedented and without its first line break; its directories come into being."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).removeprefix("\n"), encoding="utf-8")
        return target

    def setenv(self, name: str, value: str) -> None:
        """Set a variable until the test ends, for this process and for `run`."""
        self._monkeypatch.setenv(name, value)

    def load(self, **arguments: Any) -> DataSettings:
        """Load the settings of this project, as an application started here would."""
        from myfy_data import load_settings  # noqa: PLC0415 - a test of a lower floor must not import the package

        return load_settings(**arguments)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `python -m myfy_data` here, piped; the caller judges its exit code."""
        return self.python("-m", "myfy_data", *arguments, stdin=stdin)

    def python(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run this Python here with any arguments, such as `-c CODE`."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env=child_environment(),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_TIMEOUT,
            check=False,
        )
