"""Pages of documentation as scenarios: what stands in a code block is written, run and compared.

An HTML comment before a block, which no reader sees, says what the block is:

    <!-- new project -->            the blocks that follow stand in a new, empty project
    <!-- file: NAME -->             the content of a file; configuration must load with it
    <!-- file: NAME, refused -->    the same, and it must not load
    <!-- file: NAME, needs VAR -->  the same, and it loads once the variable is set
    <!-- added to: NAME -->         lines at the end of that file
    <!-- run -->                    commands after `$`, each with what it prints
    <!-- run, exit 2 -->            the same; the last command ends with this code
    <!-- run python -->             a program
    <!-- output -->                 what the program before it prints
    <!-- from: PATH -->             what stands in a file of the repository, or between its README marks
    <!-- out of: PATH -->           some lines of such a file
    <!-- output of: PATH -->        what that program prints
    <!-- shown only: REASON -->     neither written nor run
    <!-- client of: KIND -->        here the page ends where that database's client is not installed
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from myfy_data import ConfigError, load_settings
from tests.sandbox import RUN_TIMEOUT, child_environment
from tests.servers import require_client

ROOT = Path(__file__).parents[1]
HOME = "/home/you/shop"
"""How pages call the directory of their project."""

_MARK = re.compile(r"<!-- (.+?) -->")
_FENCE = re.compile(r"```(\w*)")
_SLOW = re.compile(r"^\S+  .*\bwaited \d.*\n", re.MULTILINE)
"""A line of the slow log, which any page can have on a busy machine."""

_VARIES = (
    (
        re.compile(r"^INFO - \d{4}-.*\n", re.MULTILINE),
        "",
    ),  # Litestar logs in a thread, at its own time
    (re.compile(r" +\d+(\.\d+)? ms +"), "  N ms  "),
    (re.compile(r"\bSQLite \d[\d.]*"), "SQLite N"),
    (re.compile(r"\bin \d+\.\d+s\b(?: \(\d+:\d\d:\d\d\))?"), "in Ns"),
    (re.compile(r"  \d+\.\d\d s$", re.MULTILINE), "  N s"),
    (re.compile(r"\bprocess \d+ on \S+ since \S+\b"), "process N on host since then"),
)


@dataclass(frozen=True)
class Block:
    """One code block: the page's line it begins on, its language, its text, and the marks before it."""

    line: int
    language: str
    text: str
    marks: tuple[str, ...]

    def argument(self, mark: str) -> str | None:
        """What stands behind `mark:`; None when the block has no such mark."""
        return next((text.removeprefix(f"{mark}: ") for text in self.marks if text.startswith(f"{mark}: ")), None)


def blocks(text: str) -> list[Block]:
    """The code blocks of a page, in order."""
    found, marks = [], []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if mark := _MARK.fullmatch(line):
            marks.append(mark[1])
        elif fence := _FENCE.fullmatch(line):
            found.append(Block(number, fence[1], _body(lines), tuple(marks)))
            marks = []
        elif line.strip():
            marks = []
    return found


def _body(lines: Iterator[tuple[int, str]]) -> str:
    body = []
    for _, line in lines:
        if line == "```":
            break
        body.append(line + "\n")
    return "".join(body)


class Scenario:
    """Follows a page block by block; an `AssertionError` names the page's line.

    Args:
        page: the page.
        folder: an empty directory for its projects.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._projects = 0
        self._printed = ""
        self._commands = folder / "bin"
        self._commands.mkdir()
        self._install("myfy-data", f'exec "{sys.executable}" -m myfy_data "$@"')
        self._install("python", f'exec "{sys.executable}" "$@"')
        self._start_project()

    def follow(self) -> None:
        """Do what the page says, and compare what it shows."""
        for block in blocks(self._page.read_text(encoding="utf-8")):
            if "new project" in block.marks:
                self._expect_nothing_unsaid(block)
                self._start_project()
            for mark in block.marks:
                self._do(mark, block)
        assert self._printed == "", f"{self._page.name}: the last program prints what no block shows:\n{self._printed}"

    def _do(self, mark: str, block: Block) -> None:
        name, _, argument = mark.partition(": ")
        if name in ("file", "added to"):
            self._write(argument, block, adds=name == "added to")
        elif name == "run python":
            self._expect_nothing_unsaid(block)
            self._printed = self._finished([sys.executable, "-W", "error", "-c", block.text], block, 0)
        elif name == "client of":
            require_client(argument)
        elif name == "output":
            self.compare(self._printed, block.text, block)
            self._printed = ""
        elif name in ("run", "run, exit 1", "run, exit 2"):
            self._run_console(block, int(name.removeprefix("run").removeprefix(", exit ") or 0))

    def _install(self, name: str, script: str) -> None:
        path = self._commands / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def _start_project(self) -> None:
        self._projects += 1
        self._project = self._folder / str(self._projects) / "shop"
        (self._project / ".git").mkdir(parents=True)

    def _place(self, block: Block) -> str:
        return f"{self._page.name}:{block.line}"

    def _expect_nothing_unsaid(self, block: Block) -> None:
        assert self._printed == "", f"{self._place(block)}: no block shows what is printed above:\n{self._printed}"

    def _write(self, argument: str, block: Block, *, adds: bool) -> None:
        name, _, note = argument.partition(", ")
        target = self._project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text(encoding="utf-8") + "\n" if adds else ""
        target.write_text(before + block.text, encoding="utf-8")
        if target.suffix in (".toml", ".yaml"):
            self._judge(Path(name), note, block)

    def _judge(self, file: Path, note: str, block: Block) -> None:
        """Load the project as its files stand; an overlay as its environment does."""
        environment = file.stem if file.parent.name == "config" and file.stem != "local" else None
        variables = {note.removeprefix("needs "): "something"} if note.startswith("needs ") else {}
        refusal = self._refusal(environment, variables)
        assert (refusal != "") == (note == "refused"), (
            f"{self._place(block)}: {refusal or 'this loads, and should not'}"
        )

    def _refusal(self, environment: str | None, variables: dict[str, str]) -> str:
        try:
            load_settings(self._project, environment=environment, environ=variables)
        except ConfigError as error:
            return f"this does not load:\n{error}"
        return ""

    def _run_console(self, block: Block, exit_code: int) -> None:
        self._expect_nothing_unsaid(block)
        commands = re.findall(r"^\$ (.+)$", block.text, re.MULTILINE)
        codes = [0] * (len(commands) - 1) + [exit_code]
        said = [
            f"$ {command}\n{self._finished(['/bin/sh', '-c', command], block, code)}"
            for command, code in zip(commands, codes, strict=True)
        ]
        self.compare("".join(said), block.text, block)

    def _finished(self, command: list[str], block: Block, exit_code: int) -> str:
        environ = child_environment()
        environ |= {"PATH": f"{self._commands}{os.pathsep}{environ['PATH']}", "HOME": str(self._folder)}
        done = subprocess.run(
            command,
            cwd=self._project,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=RUN_TIMEOUT,
            check=False,
        )
        said = f"{self._place(block)}: {command[-1]}\nends with {done.returncode}, not {exit_code}:\n{done.stdout}"
        assert done.returncode == exit_code, said
        return done.stdout

    def compare(self, printed: str, shown: str, block: Block) -> None:
        """Judge what a program or a command prints by what the page shows."""
        actual = self.plain(printed if _SLOW.search(shown) else _SLOW.sub("", printed))
        assert steady(actual) == steady(shown), f"{self._place(block)}: it prints\n{actual}"

    def plain(self, printed: str) -> str:
        """What was printed, as a page shows it."""
        lines = printed.replace(str(self._project), HOME).splitlines()
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def steady(text: str) -> str:
    """Text without what differs from run to run and from machine to machine."""
    for pattern, words in _VARIES:
        text = pattern.sub(words, text)
    return text
