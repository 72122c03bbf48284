"""An example application under uvicorn: a copy of its folder, a free port, real HTTP."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

_WARNINGS = (
    "error",
    # Litestar 2.23 and later want NamedDependency[AsyncSession], which our lowest version has not; both work.
    "ignore::DeprecationWarning:litestar.handlers.base",
    # myfy-web itself uses what pydantic has deprecated.
    "ignore:Support for class-based:DeprecationWarning",
)
_ADDRESS = re.compile(r"Uvicorn running on (http://\S+)")


@dataclass
class Served:
    """An example that was served, and what it left behind.

    Attributes:
        folder: the copy of the example's folder.
        client: speaks to the server while it runs.
        log: what the server wrote, once it has ended.
    """

    folder: Path
    client: httpx.Client
    log: list[str] = field(default_factory=list)

    def rows(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """What a connection of its own finds in one of the example's files."""
        with closing(sqlite3.connect(self.folder / database)) as connection:
            return connection.execute(statement).fetchall()


@contextmanager
def served(example: str, work: Path, target: str = "app:app") -> Iterator[Served]:
    """Serve a copy of an example; afterwards every request and background task has ended, and the server with them."""
    ignored = shutil.ignore_patterns("*.db*", "__pycache__")
    folder = shutil.copytree(ROOT / "examples" / example, work / example, ignore=ignored)
    (folder / ".git").mkdir()  # where the search for configuration stops
    warnings = [word for rule in _WARNINGS for word in ("-W", rule)]
    process = subprocess.Popen(
        [sys.executable, *warnings, "-m", "uvicorn", target, "--port", "0", "--no-use-colors"],
        cwd=folder,
        env=child_environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert process.stderr is not None
    before: list[str] = []
    try:
        with httpx.Client(base_url=_address(process.stderr, before), timeout=RUN_TIMEOUT, trust_env=False) as client:
            found = Served(folder, client, before)
            yield found
    finally:
        process.send_signal(signal.SIGINT)
        before += process.communicate(timeout=RUN_TIMEOUT)[1].splitlines()


def _address(lines: IO[str], before: list[str]) -> str:
    for line in lines:
        before.append(line.rstrip())
        if found := _ADDRESS.search(line):
            return found[1]
    raise AssertionError("the server did not start:\n" + "\n".join(before))
