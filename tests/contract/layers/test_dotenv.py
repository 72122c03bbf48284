"""Contract C3.2, C3.8: `.env`, read as python-dotenv reads it."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("MYFY_DATA_APPLICATION_NAME=a b", "a b"),
        ("MYFY_DATA_APPLICATION_NAME='a # b'", "a # b"),
        ('MYFY_DATA_APPLICATION_NAME="a\\nb"', "a\nb"),
        ("export MYFY_DATA_APPLICATION_NAME=a", "a"),
        ("MYFY_DATA_APPLICATION_NAME = a # comment", "a"),
        ("MYFY_DATA_APPLICATION_NAME='two\nlines'", "two\nlines"),
        ("myfy_data_application_name=a", "a"),
        ("MYFY_DATA_APPLICATION_NAME=a$b${C}", "a$b${C}"),
    ],
)
def test_a_line_is_read_as_python_dotenv_reads_it(project: Sandbox, line: str, value: str) -> None:
    project.write(".env", f"# first\n\n{line}\nC=c\n")

    assert project.load(environ={}).profile().application_name == value


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("MYFY_DATA_ECHO=1\n", 1, 1),
        ("# x\n\n\n  export MYFY_DATA_ECHO=1\n", 4, 10),
        ("A='1\n2\n3'\nMYFY_DATA_ECHO=1", 4, 1),
        ("A=1\r\nMYFY_DATA_ECHO=1\r\n", 2, 1),
        ("\ufeffMYFY_DATA_ECHO=1\n", 1, 1),
    ],
)
def test_a_variable_knows_its_line(project: Sandbox, text: str, line: int, column: int) -> None:
    (project.path / ".env").write_bytes(text.encode())

    origin = project.load(environ={}).origin("echo")

    assert (origin.source, origin.line, origin.column, origin.variable) == (".env", line, column, "MYFY_DATA_ECHO")


@pytest.mark.parametrize("line", ["MYFY_DATA_ECHO", "MYFY_DATA_ECHO='1", "export MYFY_DATA_ECHO", "MYFY_DATA_ECHO 1"])
def test_a_line_of_ours_that_cannot_be_read_is_an_error(project: Sandbox, line: str) -> None:
    project.write(".env", f"A=1\n\n{line}\n")

    assert only_problem() == ".env:3:1: cannot be read as NAME=value\n  fix: write it as MYFY_DATA_ECHO='value'"


@pytest.mark.parametrize("line", ["OTHER", "OTHER='1", "!!!", "="])
def test_a_line_of_others_that_cannot_be_read_is_left_alone(project: Sandbox, line: str) -> None:
    project.write(".env", f"{line}\nMYFY_DATA_ECHO=1\n")

    assert warnings() == []
    assert project.load().profile().echo is True


def test_a_problem_names_the_line_and_the_fix(project: Sandbox) -> None:
    project.write(".env", "A=1\nMYFY_DATA_POOL_SIZE=lots\n")

    assert only_problem() == (".env:2:1: pool_size: expected a whole number, got 'lots'\n  fix: MYFY_DATA_POOL_SIZE=5")


def test_a_file_that_is_not_utf_8_is_an_error(project: Sandbox) -> None:
    (project.path / ".env").write_bytes(b"A=1\nB=\xff\n")

    assert only_problem().startswith(".env:2:3: a byte here is not UTF-8")


def test_it_cannot_say_which_files_are_read(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_CONFIG=other.toml\n")

    assert only_problem() == (
        ".env:1:1: cannot be said here, because it decides which sources are read\n  fix: delete this line"
    )


def test_it_is_not_searched_upward(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_POOL_SIZE=9\n")
    project.write("sub/myfy.toml", MAIN)

    assert project.load(start=project.path / "sub").profile().pool_size == 5
