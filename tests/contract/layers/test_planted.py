"""Contract C3.1, C3.9: configuration that another user may have planted is refused, and so is what is no file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.loading import MAIN, only_problem, problems, report
from tests.sandbox import Sandbox

STRANGER = 65534


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another user own a file; without the right to do that, let this process be another user."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER)
    else:
        monkeypatch.setattr("os.geteuid", lambda: STRANGER)


@pytest.mark.parametrize("name", ["myfy.toml", "config/development.toml", "config/local.toml", ".env"])
def test_a_file_of_another_user_is_refused_with_its_owner(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", "")
    give_away(project.write(name, MAIN if name == "myfy.toml" else ""), monkeypatch)

    told = [text for text in problems() if text.startswith(f"{name}: ")]

    assert "who could run code as" in told[0]
    assert f"chown {os.geteuid()} " in told[0]


def test_the_directory_of_another_user_is_refused(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("myfy.toml", MAIN)
    give_away(project.path, monkeypatch)

    assert any(text.startswith(f"{project.path}: belongs to") for text in problems())


@pytest.mark.parametrize("name", [".", "myfy.toml", "config", "config/local.toml"])
def test_what_everybody_may_write_is_refused_and_its_fix_helps(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", "")
    path = project.path / name
    path.chmod(path.stat().st_mode | stat.S_IWOTH)

    assert f"fix: chmod o-w {path.resolve()}" in only_problem()

    path.chmod(path.stat().st_mode & ~stat.S_IWOTH)
    assert problems() == []


def test_a_sticky_bit_makes_no_difference_because_code_can_be_put_beside_the_file(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.path.chmod(0o1777)

    assert "may be written by everybody" in only_problem()


def test_a_group_may_write(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN).chmod(0o664)
    project.path.chmod(0o775)

    assert problems() == []


def test_a_file_that_is_named_is_trusted_as_it_is(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    give_away(project.write("myfy.toml", MAIN), monkeypatch)

    assert problems(files=["myfy.toml"]) == []


def test_the_files_of_the_user_who_called_sudo_are_obeyed(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path, owner = project.write("myfy.toml", MAIN), STRANGER
    if os.geteuid() == 0:
        os.chown(path, owner, owner)
    else:  # as if root were called by this user
        owner = os.getuid()
        monkeypatch.setattr("os.geteuid", lambda: 0)
    assert problems() != []

    project.setenv("SUDO_UID", str(owner))

    assert problems() == []


@pytest.mark.parametrize("name", ["myfy.toml", "config/local.toml", ".env", "config/other.toml"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(project: Sandbox, name: str) -> None:
    if name == "config/other.toml":  # looked into only where no base file stands beside config/
        (project.path / "config").mkdir()
    else:
        project.write("myfy.toml", MAIN)
        project.write("config/local.toml", "")
    path = project.path / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    told = problems()

    assert told == ([] if name == "config/other.toml" else [told[0]])
    assert all(f"{name}: is a pipe, a socket or a device, not a file" in text for text in told)


def test_a_pipe_in_the_place_of_a_secret_is_refused_at_once(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nsecrets_dir = "secrets"\n' + MAIN)
    (project.path / "secrets").mkdir()
    os.mkfifo(project.path / "secrets" / "password")

    assert "is no regular file" in only_problem()


def test_a_device_is_no_configuration(project: Sandbox) -> None:
    (project.path / "zero.toml").symlink_to("/dev/zero")

    assert "is a pipe, a socket or a device" in only_problem(files=["zero.toml"])


def heirs(count: int, keys: int) -> str:
    numbers = "".join(f"k{number} = 1\n" for number in range(keys))
    return (
        MAIN
        + f"[data.profiles.main.execution_options]\n{numbers}"
        + "".join(f'[data.profiles.p{number}]\nextends = "main"\n' for number in range(count))
    )


def test_what_heirs_copy_counts_as_what_a_file_says(project: Sandbox) -> None:
    project.write("myfy.toml", heirs(50, 5_000))

    assert "p39.extends: more than 200000 values in all profiles that extend another one" in only_problem()


def test_heirs_below_the_bound_are_loaded(project: Sandbox) -> None:
    project.write("myfy.toml", heirs(50, 50))

    assert len(report().profiles) == 51
