"""A host in a process of its own, seen from the test: its ports, and what its log complains about."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.hosts.serve import Listener
from tests.pages import ROOT
from tests.sandbox import child_environment

OTHER_MYFY_NEEDS = "the other version of myfy is not beside this environment (scripts/ensure-venv dev puts it there)"
"""Why a test of that version is skipped; CI allows it where the environment is not made by `ensure-venv`."""

STOP_TIMEOUT = 60.0
"""Seconds that a process may take to end before it counts as hung."""

_COMPLAINT = re.compile(
    r"ASGI message|ASGI callable|already started|without (?:returning|completing) response|Response content"
    r"|never (?:awaited|retrieved)|Task was destroyed|garbage collect|Exception ignored|Exception terminating|Warning:",
    re.IGNORECASE,
)
"""What a server's log must never say: a protocol error, or something that was left behind."""


@dataclass(frozen=True)
class Process:
    """A running host.

    Attributes:
        host: its name, as in `outcomes.HOSTS`.
        addresses: of its listeners, in their order.
        log: the file with its standard error.
    """

    host: str
    addresses: list[str]
    log: Path

    def mark(self) -> int:
        """Where the log ends now."""
        return self.log.stat().st_size

    def said(self, mark: int) -> str:
        """What was logged after a mark."""
        return self.log.read_bytes()[mark:].decode()

    def complaints(self, mark: int) -> list[str]:
        """The lines after a mark that no log may have."""
        return [line for line in self.said(mark).splitlines() if _COMPLAINT.search(line)]


@contextmanager
def running(host: str, listeners: list[Listener], log: Path) -> Iterator[Process]:
    """Start a host, and end it by closing its standard input."""
    name, _, version = host.partition("-")
    arguments = [name, json.dumps([asdict(each) for each in listeners])]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.hosts.serve", *arguments],
            cwd=ROOT,
            env=_environment(version),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        ports = process.stdout.readline()
        assert ports, log.read_text(encoding="utf-8")
        yield Process(host, [f"http://127.0.0.1:{port}" for port in json.loads(ports)], log)
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _environment(myfy_version: str) -> dict[str, str]:
    environ = child_environment()
    side = myfy_beside(myfy_version)
    paths = [*([str(side)] if side else []), environ["PYTHONPATH"], str(ROOT)]
    return environ | {"PYTHONPATH": os.pathsep.join(paths)}


def myfy_beside(version: str) -> Path | None:
    """The directory that holds this version of myfy; None when it is installed, or none is asked for.

    Skips the test when there is neither.
    """
    if not version or importlib.metadata.version("myfy-core") == version:
        return None
    side = Path(sys.prefix) / f"myfy-{version}"
    if not side.is_dir():
        pytest.skip(OTHER_MYFY_NEEDS)
    return side
