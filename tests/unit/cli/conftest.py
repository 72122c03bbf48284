"""A command run inside the test's process, and one on a terminal of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from myfy_data.cli import main
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

_STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of its standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Its standard output, read as JSON."""
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, piped, in an empty project."""

    def run_command(*arguments: str) -> Result:
        code = main(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def run_on_terminal(project: Sandbox) -> Callable[..., str]:
    """Run a command on a terminal, of 40 columns by default; gives what stands there, styles taken out."""

    def run_command(*arguments: str, width: int = 40) -> str:
        ours, theirs = pty.openpty()
        environ = child_environment() | {"TERM": "xterm-256color", "COLUMNS": str(width)}
        command = [sys.executable, "-m", "myfy_data", *arguments]
        with subprocess.Popen(command, cwd=project.path, env=environ, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = _read_all(ours)
            process.wait(RUN_TIMEOUT)
        os.close(ours)
        assert _STYLE.search(shown), "nothing was styled, so this was no terminal"
        return _STYLE.sub("", shown).replace("\r\n", "\n")

    return run_command


def _read_all(descriptor: int) -> str:
    pieces = []
    try:
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    except OSError:  # Linux says so when the other end is closed
        pass
    return b"".join(pieces).decode()
