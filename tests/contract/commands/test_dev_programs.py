"""What `dev` refuses to run, and how it tells: as a shell does, with a fix that does what was meant (C13.4)."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys

import pytest

from myfy_data.cli import main
from tests.migrating import MigratedProject
from tests.sandbox import Sandbox


@pytest.fixture
def small(project: Sandbox) -> MigratedProject:
    app = MigratedProject(project, {"main": f"sqlite+aiosqlite:///{project.path}/main.db"})
    app.init()
    app.revision("001", 'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))')
    return app


def dev(project: Sandbox, *command: str, words: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return project.run("dev", *words, "--", *command, stdin="typed\n")


def test_what_is_no_program_is_told_before_anything_is_made(small: MigratedProject) -> None:
    done = dev(small.sandbox, "nosuch", "-v")

    assert done.returncode == 127
    assert "nosuch: there is no such command\n  fix: correct its name, or get nosuch into this" in done.stderr
    assert not (small.sandbox.path / "main.db").exists()


def test_a_command_in_quotes_runs_as_the_fix_says(small: MigratedProject) -> None:
    refused = dev(small.sandbox, "cat -u")
    assert refused.returncode == 127
    assert "one word in quotes is no command" in refused.stderr

    _, *words = shlex.split(refused.stderr.partition("fix: ")[2])

    assert small.sandbox.run(*words, stdin="typed\n").stdout == "typed\n"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ((f"{sys.executable} -c 'print(3 + 4)'",), "7\n"),
        ((f"{sys.executable} -c 'print(3)' && echo four",), "3\nfour\n"),
        (("cat - < typed; echo", "a b"), "kept\na b\n"),
    ],
)
def test_the_fix_of_a_line_in_quotes_does_what_was_meant_with_the_options_that_were_given(
    small: MigratedProject, words: tuple[str, ...], meant: str
) -> None:
    small.sandbox.write("typed", "kept\n")
    refused = dev(small.sandbox, *words, words=("--environment", "staging", "--config", "myfy.toml"))

    _, *pasted = shlex.split(refused.stderr.partition("fix: ")[2])

    assert pasted[:6] == ["dev", "--config", "myfy.toml", "--environment", "staging", "--"]
    assert small.sandbox.run(*pasted).stdout == meant


def test_quotes_that_do_not_end_are_split_by_no_fix(small: MigratedProject) -> None:
    refused = dev(small.sandbox, "cat 'it")

    assert refused.returncode == 127
    assert "there is no such command" in refused.stderr


@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_command_is_no_command(small: MigratedProject, word: str) -> None:
    refused = dev(small.sandbox, word)

    assert refused.returncode == 2
    assert "Error: COMMAND begins with an empty word: name a program behind --, or leave out the --" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_directory_is_told_as_a_shell_does(small: MigratedProject) -> None:
    (small.sandbox.path / "sub").mkdir()

    assert dev(small.sandbox, "sub").returncode == 127
    refused = dev(small.sandbox, "./sub")

    assert refused.returncode == 126
    assert "./sub: is a directory\n  fix: name a program in it\n" in refused.stderr


def test_a_start_that_fails_for_another_reason_is_not_explained_by_a_first_line(
    small: MigratedProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*_: object) -> int:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))

    monkeypatch.chdir(small.sandbox.path)
    monkeypatch.setattr("myfy_data.cli.child_process.run_command", start)

    code = main(["dev", "--", sys.executable])

    told = capsys.readouterr().err
    assert code == 126
    assert told.endswith(f"{sys.executable}: does not start: {os.strerror(errno.E2BIG).lower()}\n")


def test_what_is_not_executable_is_told_with_the_fix(small: MigratedProject) -> None:
    small.sandbox.write("go", "#!/bin/sh\nexit 5\n")
    refused = dev(small.sandbox, "./go")

    assert refused.returncode == 126
    assert "./go: is not executable\n  fix: chmod +x ./go\n" in refused.stderr
    assert not (small.sandbox.path / "main.db").exists()
    (small.sandbox.path / "go").chmod(0o755)
    assert dev(small.sandbox, "./go").returncode == 5


@pytest.mark.parametrize(("first_line", "code"), [("#!/nosuch/sh", 127), ("no shell", 126)])
def test_a_program_that_does_not_start_is_told_as_a_shell_does(
    small: MigratedProject, first_line: str, code: int
) -> None:
    small.sandbox.write("go", f"{first_line}\n")
    (small.sandbox.path / "go").chmod(0o755)

    refused = dev(small.sandbox, "./go")

    assert refused.returncode == code
    assert "./go: does not start: " in refused.stderr
