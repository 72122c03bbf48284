"""myfy applications of the seed's rows, run as a user runs them: in a process of their own, on the real packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
IMPORTS = ["myfy_data", "myfy.data"]
"""The two names under which the library is imported."""

Answer = tuple[int, Any]


def discovered() -> bool:
    """Whether myfy finds its own web module: 0.1.2 drops it (seed S1)."""
    return version("myfy-web") != "0.1.2"


class Applications:
    """A folder with one application.

    Args:
        folder: an empty directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment: dict[str, str] = {}

    def set(self, **variables: str) -> None:
        """Set variables of the application's environment."""
        self._environment |= variables

    def write(self, source: str, library: str = "myfy_data") -> None:
        """Write the application, in which `LIBRARY` stands for the name that the library is imported by."""
        text = dedent(source).replace("LIBRARY", library)
        if not discovered():
            text += "\nfrom myfy.web import WebModule\napp.add_module(WebModule())\n"
        (self._folder / "app.py").write_text(text, encoding="utf-8")

    def run(self, *requests: tuple[str, str] | tuple[str, str, Any], way: str = "factory") -> list[Answer]:
        """Start the application, send the requests, stop it; status and body of each answer."""
        asked = [[*request, None][:3] for request in requests]
        run = self._process(way, json.dumps(asked))
        assert run.returncode == 0, run.stderr
        return [(status, body) for status, body in json.loads(run.stdout.splitlines()[-1])]

    def fail(self) -> str:
        """Start the application in vain; what it wrote."""
        run = self._process("factory", "[]")
        assert run.returncode != 0, run.stdout
        return run.stderr

    def _process(self, way: str, asked: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MYFY_")}
        environment |= {"PYTHONPATH": str(ROOT), **self._environment}
        command = [sys.executable, str(Path(__file__).with_name("driver.py")), str(self._folder), way]
        return subprocess.run(
            command, cwd=self._folder, env=environment, input=asked, capture_output=True, encoding="utf-8", check=False
        )


@pytest.fixture
def application(tmp_path: Path) -> Applications:
    """An application to be written and run."""
    return Applications(tmp_path)
