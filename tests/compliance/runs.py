"""Runs SQLAlchemy's tests in processes of their own and reads what came of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.compliance.databases import Kind
from tests.servers import Server

ROOT = Path(__file__).parents[2]
LIMIT = 300.0
"""Seconds after which one test is given up; some that cancel at every step take a minute on a machine that is busy."""

RESTARTS = 20
"""How many tests of one process may hang or crash it before the run is given up."""

_PYTEST = [sys.executable, "-s", "-m", "pytest", "-p", "tests.compliance.plugin", "--quiet", "--tb=short"]
_OPTIONS = ["--override-ini", "addopts=-p warnings -p logging -p no:cacheprovider"]
_MARKS = "not memory_intensive and not timing_intensive and not mypy"
"""What counts objects, measures times or needs a type checker says nothing about an engine."""

_CONFIGURATION = re.compile(r"_(?:sqlite|postgresql|mysql|mariadb)\+[^:]*?_async_?([\d_]*)(?=::)")
"""What SQLAlchemy's plugin appends to the name of a class that it runs on a database."""


class RunError(Exception):
    """A process of tests ended without having run them; the text holds the end of what it said."""


@dataclass
class Record:
    """What a run of tests came to.

    Attributes:
        verdicts: by test, `passed`, `failed`, `skipped`, `xfailed`, `error` (before or after the test) or `gave up`.
        texts: why a test did not pass.
        ids: pytest's own name of each test, which says also on which server it ran.
        made: how many engines of each sort the tests made.
        running: the test that began last.
        is_ended: whether the process came to its own end.
        is_incomplete: whether a file could not be collected.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    running: str = ""
    is_ended: bool = False
    is_incomplete: bool = False

    def read(self, lines: Iterable[str]) -> None:
        """Take in what a process wrote."""
        self.is_ended, self.running = False, ""
        for line in lines:
            event = json.loads(line)
            match event["event"]:
                case "not collected":
                    self.is_incomplete = True
                case "test":
                    self.running = event["id"]
                case "verdict":
                    self._judge(event["id"], event["phase"], event["verdict"], event["text"])
                case "end":
                    self.is_ended = True
                    self.made.update(event["made"])

    def _judge(self, node: str, phase: str, verdict: str, text: str) -> None:
        test = without_server(node)
        self.ids[test] = node
        if self.verdicts.get(test, "passed") != "passed":
            return
        self.verdicts[test] = "error" if verdict == "failed" and phase != "call" else verdict
        self.texts[test] = text

    def give_up(self) -> None:
        """The test that ran when its process ended has no verdict, and takes what it had with it."""
        test = without_server(self.running)
        self.ids[test] = self.running
        self.verdicts[test] = "gave up"
        self.texts[test] = f"no end within {LIMIT:g} s, or the process crashed"

    def join(self, other: Record) -> None:
        """Take in what another process came to."""
        self.verdicts |= other.verdicts
        self.texts |= other.texts
        self.ids |= other.ids
        self.made += other.made


def without_server(node: str) -> str:
    """A test's name without the server on which it ran."""
    return _CONFIGURATION.sub("", node)


def server_of(nodes: Iterable[str]) -> str:
    """The version of the server on which tests ran."""
    versions = (found[1].replace("_", ".") for found in map(_CONFIGURATION.search, nodes) if found)
    return next(versions, "")


class Processes:
    """The processes of tests that run now, so that they do not outlive the tool.

    Attributes:
        are_ended: whether no more are to run.
    """

    def __init__(self) -> None:
        self.are_ended = False
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, command: Sequence[str], **options: Any) -> None:
        """Run one to its end."""
        with subprocess.Popen(command, **options) as process:
            self._running.add(process)
            process.wait()
            self._running.remove(process)

    def end(self) -> None:
        """End those that run; none comes after them."""
        self.are_ended = True
        for process in list(self._running):
            process.kill()


_processes = Processes()
end_processes = _processes.end


@dataclass(frozen=True)
class Job:
    """Some files of tests on engines of one sort.

    Attributes:
        name: also of its files; the name of its database begins with it.
        kind: the kind of database.
        server: where the database is made; None for SQLite.
        ours: engines of ours, or plain ones.
        source: the root of the tests.
        files: relative to it.
        folder: where the process works and its output stays.
        options: further ones for pytest.
        only: pytest's names of the tests to run; all when empty.
    """

    name: str
    kind: Kind
    server: Server | None
    ours: bool
    source: Path
    files: Sequence[str]
    folder: Path
    options: Sequence[str] = ()
    only: frozenset[str] = frozenset()

    def run(self) -> Record:
        """Run them, in as many processes as it takes: one that hangs in a test is followed by one that leaves it out.

        Raises:
            RunError: a process did not even begin, a file could not be collected, or too many tests hung.
        """
        record = Record()
        for attempt in range(RESTARTS):
            lines = self._attempt(f"{self.name}_{attempt}", record)
            record.read(lines)
            if _processes.are_ended:
                raise RunError(f"{self.name}: ended from outside")
            if record.is_ended and not record.is_incomplete:
                return record
            if record.is_incomplete or not record.running:
                break
            record.give_up()
        raise RunError(f"{self.name}: {self._log.read_text(encoding='utf-8')[-3000:]}")

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _attempt(self, name: str, record: Record) -> list[str]:
        written = self.folder / f"{name}.jsonl"
        with self.kind.database(self.server, name) as database, self._log.open("ab") as log:
            _processes.run(
                [*_PYTEST, *_OPTIONS, "-m", _MARKS, "--dburi", database.url, *self.options, *self._places],
                cwd=self.folder,
                env=self._environment(name, written, record) | {"COMPLIANCE_IDENT": database.name},
                stdout=log,
                stderr=log,
            )
        return written.read_text(encoding="utf-8").splitlines() if written.exists() else []

    @property
    def _places(self) -> list[str]:
        return ["--rootdir", str(self.source), *(str(self.source / file) for file in self.files)]

    def _environment(self, name: str, written: Path, record: Record) -> dict[str, str]:
        done, only = self.folder / f"{name}.done", self.folder / f"{name}.only"
        done.write_text("\n".join(record.ids.values()), encoding="utf-8")
        only.write_text("\n".join(self.only), encoding="utf-8")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MYFY_DATA_", "PYTEST"))}
        return inherited | {
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "COMPLIANCE_OURS": "1" if self.ours else "0",
            "COMPLIANCE_RECORD": str(written),
            "COMPLIANCE_DONE": str(done),
            "COMPLIANCE_ONLY": str(only),
            "COMPLIANCE_LIMIT": str(LIMIT),
        }
