"""Contract C3.8: password_file."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox


@pytest.mark.parametrize("source", ["file", "variable", "argument"])
def test_password_files_are_named_by_every_layer(project: Sandbox, source: str) -> None:
    project.write("myfy.toml", MAIN + ('password_file = "pw"\n' if source == "file" else ""))
    environ = {"MYFY_DATA_PASSWORD_FILE": "pw"} if source == "variable" else {}
    overrides = {"password_file": "pw"} if source == "argument" else {}

    profile = project.load(environ=environ, overrides=overrides).profile()

    assert profile.password_file == project.path / "pw"


def test_password_files_are_not_read_while_loading(project: Sandbox) -> None:
    """They are read at each new connection, so that a rotated file needs no restart."""
    project.write("myfy.toml", MAIN + 'password_file = "pw"\n')

    assert project.load().profile().password is None


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            'password = "a"\npassword_file = "b"\n',
            "profiles.main.password: the password is given twice: here and by password_file",
        ),
        ('password = "a"\n', "profiles.main.password: the password is given twice: here and by database_url"),
        ('password_file = "b"\n', "profiles.main.password_file: the password is given twice: here and by database_url"),
    ],
)
def test_password_files_beside_another_password_in_one_layer_are_an_error(
    project: Sandbox, lines: str, told: str
) -> None:
    url = "db.internal" if lines.count("\n") == 2 else "app:c4nary@db.internal"
    project.write("myfy.toml", MAIN.replace("app@db.internal", url) + lines)

    problem = only_problem()

    assert problem.startswith(f"myfy.toml:3:1: {told}")
    assert problem.endswith("fix: delete this line")
    assert "c4nary" not in problem


def test_password_files_beside_a_password_in_variables_are_an_error(project: Sandbox) -> None:
    environ = {"MYFY_DATA_PASSWORD": "a", "MYFY_DATA_PASSWORD_FILE": "b"}

    assert only_problem(environ=environ).endswith("fix: unset MYFY_DATA_PASSWORD")


def test_password_files_beside_a_flat_password_are_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\npassword = "a"\n' + MAIN + 'password_file = "b"\n')

    assert "the password is given twice" in problems()[0]


def test_the_default_of_a_reference_in_a_url_is_no_second_password(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        """
        [data.profiles.main]
        database_url = "postgresql://${DB_USER:-app}@db.internal/main"
        password = "x"
        """,
    )

    assert project.load(environ={}).profile().url.username == "app"
