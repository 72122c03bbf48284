"""Contract C3.8: where secrets_dir is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

TO_SECRETS = '[data]\nsecrets_dir = "secrets"\n' + MAIN


def secret(project: Sandbox, name: str, text: str | bytes = "hidden") -> Path:
    path = project.path / "secrets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("source", ["file", "dotenv", "process", "argument"])
def test_the_directory_may_be_named_by(project: Sandbox, source: str) -> None:
    secret(project, "password")
    project.write("myfy.toml", TO_SECRETS if source == "file" else MAIN)
    project.write(".env", "MYFY_DATA_SECRETS_DIR=secrets\n" if source == "dotenv" else "")
    environ = {"MYFY_DATA_SECRETS_DIR": "secrets"} if source == "process" else {}
    overrides = {"secrets_dir": Path("secrets")} if source == "argument" else {}

    settings = project.load(environ=environ, overrides=overrides)

    assert settings.profile().password is not None
    assert settings.secrets_dir == "secrets"
    assert settings.origin("secrets_dir").source != "default"


def test_the_directory_is_named_by_the_highest(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS.replace('"secrets"', '"nowhere"'))
    secret(project, "password")

    assert project.load(environ={"MYFY_DATA_SECRETS_DIR": "secrets"}).profile().password is not None


def test_the_directory_of_a_file_is_relative_to_the_root_and_of_a_variable_to_the_working_directory(
    project: Sandbox,
) -> None:
    project.write("myfy.toml", TO_SECRETS)
    project.write("secrets/password", "root")
    project.write("sub/secrets/password", "sub")
    sub = project.path / "sub"

    by_file = project.load(start=sub, environ={}).profile().password
    by_variable = project.load(start=sub, environ={"MYFY_DATA_SECRETS_DIR": "secrets"}).profile().password

    assert by_file is not None
    assert by_variable is not None
    assert (by_file.reveal(), by_variable.reveal()) == ("root", "sub")


def test_the_directory_must_be_there(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)

    assert only_problem(environ={}) == (
        f"myfy.toml:2:1: secrets_dir: the directory {project.path}/secrets does not exist\n"
        f"  fix: mkdir -p {project.path}/secrets"
    )


def test_the_directory_must_be_a_directory(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    project.write("secrets", "x")

    assert "is a file, not a directory" in only_problem(environ={})


def test_the_directory_must_be_readable(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    (project.path / "secrets").symlink_to("secrets")

    assert "cannot be read: too many levels of symbolic links" in only_problem(environ={})


def test_the_directory_must_be_a_path(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS.replace('"secrets"', '"a\\u0000b"'))

    assert only_problem(environ={}).startswith("myfy.toml:2:1: secrets_dir: is no path")
