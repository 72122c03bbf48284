"""Contract C3.8: secrets from files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox

TO_SECRETS = '[data]\nsecrets_dir = "secrets"\n' + MAIN


def secret(project: Sandbox, name: str, text: str | bytes = "hidden") -> Path:
    path = project.path / "secrets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def password_of(project: Sandbox) -> str:
    password = project.load(environ={}).profile().password
    assert password is not None
    return password.reveal()


@pytest.mark.parametrize(
    "name", ["password", "PASSWORD", "MYFY_DATA_PASSWORD", "myfy_data_password", "profiles__main__password"]
)
def test_a_file_name_is_a_variable_name_with_or_without_the_prefix(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    path = secret(project, name)

    settings = project.load(environ={})

    password = settings.profile().password
    assert password is not None
    assert password.reveal() == "hidden"
    assert settings.origin("password").source == f"secret file {path}"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("pw\n", "pw"),
        ("pw\r\n", "pw"),
        ("pw\n\n", "pw\n"),
        (" pw \n", " pw "),
        ("pw", "pw"),
        ("a\nb\n", "a\nb"),
        ("pw\r", "pw\r"),
        ("\ufeffpw", "\ufeffpw"),
        ("$${X}${Y}", "$${X}${Y}"),
    ],
)
def test_one_trailing_newline_is_stripped_and_nothing_else(project: Sandbox, content: str, value: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    secret(project, "password", content)

    assert password_of(project) == value


@pytest.mark.parametrize("name", ["README", "postgres_password", ".hidden", "poll_size", "config"])
def test_files_of_others_are_left_alone(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    secret(project, name, b"\xff")

    assert warnings(environ={}) == []


def test_directories_are_left_alone(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    (project.path / "secrets/password").mkdir(parents=True)

    assert warnings(environ={}) == []


def test_a_name_with_our_prefix_must_mean_something(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    path = secret(project, "MYFY_DATA_PASWORD")

    assert only_problem(environ={}) == (
        f"secret file {path}: no setting has this name\n  fix: rename it to MYFY_DATA_PASSWORD"
    )


def test_one_secret_by_two_names_is_set_twice(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    first, second = secret(project, "MYFY_DATA_PASSWORD"), secret(project, "password")

    assert only_problem(environ={}) == (
        f"secret file {second}: password: is set twice\n    also by secret file {first}\n  fix: rm {second}"
    )


def test_links_may_stay_inside_as_kubernetes_lays_them(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    secret(project, "x").unlink()
    version = project.path / "secrets/..2026_01_01"
    version.mkdir()
    (version / "password").write_text("hidden\n")
    (project.path / "secrets/..data").symlink_to("..2026_01_01")
    (project.path / "secrets/password").symlink_to("..data/password")

    assert password_of(project) == "hidden"


def test_the_directory_itself_may_be_a_link(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS.replace('"secrets"', '"link"'))
    secret(project, "password")
    (project.path / "link").symlink_to("secrets")

    assert password_of(project) == "hidden"


def test_links_must_not_lead_out(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    outside = project.write("outside", "c4nary")
    secret(project, "x")
    link = project.path / "secrets/password"
    link.symlink_to("../outside")

    told = only_problem(environ={})

    assert told == (
        f"secret file {link}: is a link that leads out of secrets_dir\n"
        f"  fix: replace the link with the file itself: cp --remove-destination {outside} {link}"
    )


@pytest.mark.parametrize("target", ["gone", "password"])
def test_links_must_lead_somewhere(project: Sandbox, target: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    secret(project, "x")
    (project.path / "secrets/password").symlink_to(target)

    assert only_problem(environ={}).startswith(f"secret file {project.path}/secrets/password: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"x" * 65537, "is larger than 65536 bytes"), (b"", "is set but empty")],
)
def test_a_secret_that_cannot_be_used_is_an_error(project: Sandbox, content: bytes, told: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    path = secret(project, "password", content)

    problem = only_problem(environ={})

    assert problem.startswith(f"secret file {path}: ")
    assert told in problem


def test_secrets_together_are_bounded(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS + "".join(MAIN.replace("main]", f"p{number}]") for number in range(20)))
    for number in range(20):
        secret(project, f"profiles__p{number}__password", "x" * 65536)

    assert "the secrets together are larger than 1048576 bytes" in only_problem(environ={})


def test_a_pipe_is_no_secret_and_no_trap(project: Sandbox) -> None:
    project.write("myfy.toml", TO_SECRETS)
    secret(project, "x")
    os.mkfifo(project.path / "secrets/password")

    assert "is no regular file" in only_problem(environ={})


@pytest.mark.parametrize("key", ["pool_size", "tls", "port"])
def test_a_secret_of_the_wrong_type_is_not_shown(project: Sandbox, key: str) -> None:
    project.write("myfy.toml", TO_SECRETS)
    path = secret(project, key, "c4nary")

    told = only_problem(environ={})

    assert ", got ***\n" in told
    assert "c4nary" not in told
    assert f" > {path}" in told.partition("fix: ")[2]
