"""Trying a printed fix: something is done and refused, what the fix says is done, and then it goes well."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from myfy_data.cli import main
from tests.migrating import apart, forget_models
from tests.sandbox import Sandbox

SQLITE = '[data.profiles.main]\ndatabase_url = "sqlite+aiosqlite:///./app.db"\n'


@dataclass(frozen=True)
class Run:
    """What is done in a project.

    Attributes:
        words: a command of ours; empty for a program.
        program: the body of a coroutine function, in Python.
    """

    words: tuple[str, ...] = ()
    program: str = ""


Paste = Callable[[Sandbox, Run, str], Run]
"""Does what a fix says, and gives what is to be done again."""


@dataclass(frozen=True)
class Trial:
    """One message.

    Attributes:
        fix: the fix as the source has it, `{}` for what is filled in.
        run: what is refused with it.
        paste: how it is followed.
        files: what the project holds, by path.
        before: commands that are run first.
        leads_to: what is said afterwards, where it cannot go well yet.
    """

    fix: str
    run: Run
    paste: Paste
    files: Mapping[str, str] = field(default_factory=lambda: {"myfy.toml": SQLITE})
    before: tuple[tuple[str, ...], ...] = ()
    leads_to: str = ""


def command(*words: str) -> Run:
    """A command of ours."""
    return Run(words=words)


def program(text: str) -> Run:
    """A program, the body of a coroutine function."""
    return Run(program=text)


def attempt(trial: Trial, sandbox: Sandbox, url: str = "") -> None:
    """Provoke the message, follow its fix, and do the same once more.

    Args:
        trial: the message.
        sandbox: the project.
        url: of a server's database, where a file says `<url>`.

    Raises:
        AssertionError: nothing is said, another fix is printed, or it does not help.
    """
    for path, text in trial.files.items():
        sandbox.write(path, text.replace("<url>", url))
    for words in trial.before:
        assert (done := do(sandbox, Run(words)))[0], done
    went_well, told = do(sandbox, trial.run)
    assert not went_well, told
    fix = fix_of(told)
    assert as_printed(trial.fix).fullmatch(fix), (fix, told)

    again = trial.paste(sandbox, trial.run, fix)

    went_well, after = do(sandbox, again)
    assert went_well is not bool(trial.leads_to), after
    assert trial.leads_to in after
    assert told != after


def as_printed(fix: str) -> re.Pattern[str]:
    """What matches a fix of the source with anything filled in."""
    return re.compile("(.*)".join(re.escape(piece) for piece in fix.split("{}")), re.DOTALL)


def fix_of(told: str) -> str:
    """The first fix in what was printed, its further lines included."""
    found = re.search(r"fix: (.*(?:\n {7}.*)*)", told)
    assert found, told
    return found[1]


def do(sandbox: Sandbox, run: Run) -> tuple[bool, str]:
    """Whether it goes well, and what is said."""
    forget_models()
    path = list(sys.path)
    if run.program:
        sys.path.insert(0, str(sandbox.path))
    output = io.StringIO()
    try:
        with redirect_stdout(output), redirect_stderr(output):
            went_well = apart(lambda: _program(run.program) if run.program else main([*run.words]) == 0)
    finally:
        sys.path[:] = path
    return went_well, output.getvalue()


def _program(text: str) -> bool:
    body = "".join(f"    {line}\n" for line in text.splitlines())
    names: dict[str, Any] = {"__name__": __name__}  # Litestar looks up the module of a handler
    exec(compile(f"async def program():\n{body}", "program", "exec"), names)
    try:
        with mock.patch.dict(os.environ):  # a program may set variables
            asyncio.run(names["program"]())
    except Exception as error:  # noqa: BLE001 - its text is what is looked at
        sys.stdout.write("\n".join(map(str, [error, *getattr(error, "__notes__", ())])))
        return False
    return True


# -- ways to follow a fix ----------------------------------------------------------------------------------------------


def typed(sandbox: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a command of ours to run before."""
    went_well, told = do(sandbox, Run(_ours(fix)))
    assert went_well, told
    return run


def instead(_: Sandbox, __: Run, fix: str) -> Run:
    """The fix is the command to run in place of the one that was refused."""
    return Run(_ours(fix))


def added(_: Sandbox, run: Run, fix: str) -> Run:
    """The fix is options to add; one that is there already gets the new value."""
    words = list(run.words)
    option, value = shlex.split(fix.removeprefix("add "))
    if option in words:
        words[words.index(option) + 1] = value
        return Run(tuple(words))
    return Run((*words, option, value))


def in_a_shell(sandbox: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a command of the system."""
    _in_shell(sandbox, fix).check_returncode()
    return run


def shown(sandbox: Sandbox, _: Run, fix: str) -> Run:
    """The fix is a command of the system that shows more of what is wrong, and fails as we did."""
    done = _in_shell(sandbox, fix)
    return Run(program=f"raise Exception({done.stdout + done.stderr!r})")


def _in_shell(sandbox: Sandbox, text: str) -> subprocess.CompletedProcess[str]:
    """Run a command as it is run where the virtual environment of this Python is active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path}
    return subprocess.run(
        ["sh", "-c", text], cwd=sandbox.path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def _ours(fix: str) -> tuple[str, ...]:
    name, *words = shlex.split(fix)
    assert name == "myfy-data", fix
    return tuple(words)


def part(pattern: str, paste: Paste) -> Paste:
    """The fix is what a group of the pattern finds in what was printed."""

    def follow(sandbox: Sandbox, run: Run, fix: str) -> Run:
        found = re.search(pattern, fix, re.DOTALL)
        assert found, fix
        return paste(sandbox, run, found[1])

    return follow


def line(old: str = "", *, file: str = "myfy.toml", below: str = "[data.profiles.main]") -> Paste:
    """The fix is a line in the place of another one, or the first one of a table."""

    def follow(sandbox: Sandbox, run: Run, fix: str) -> Run:
        text = (sandbox.path / file).read_text(encoding="utf-8")
        changed = text.replace(old, fix) if old else text.replace(f"{below}\n", f"{below}\n{fix}\n", 1)
        assert changed != text, text
        sandbox.write(file, changed)
        return run

    return follow


def table(sandbox: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a table's header and a line of it."""
    found = re.fullmatch(r"(\[[\w.]+\])\s+(.*)", fix, re.DOTALL)
    assert found, fix
    text = (sandbox.path / "myfy.toml").read_text(encoding="utf-8")
    if found[1] in text:
        return line(below=found[1])(sandbox, run, found[2].strip())
    sandbox.write("myfy.toml", f"{text}{found[1]}\n{found[2].strip()}\n")
    return run


def renamed(old: str, *, file: str) -> Paste:
    """The fix gives the name to write in place of another one."""
    return part(r"rename it to (\S+)", line(old, file=file))


def code(old: str, new: str = "{}") -> Paste:
    """The fix is an expression to write in the program in place of another one."""

    def follow(_: Sandbox, run: Run, fix: str) -> Run:
        assert old in run.program
        return replace(run, program=run.program.replace(old, new.replace("{}", fix)))

    return follow
