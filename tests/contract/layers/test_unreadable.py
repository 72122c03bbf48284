"""Contract C3.2: a directory or file that cannot be read is an error, not an absence."""

from __future__ import annotations

import errno
import os

import pytest

from tests.loading import only_problem, problems
from tests.sandbox import Sandbox

BASE = '[data]\ndatabase_url = "sqlite:///x.db"\npool_size = {}\n'


@pytest.mark.parametrize("name", ["myfy.toml", "myfy.yaml", "config/local.toml", "config/development.yaml", ".env"])
def test_what_cannot_be_read_a_directory_in_a_files_place_is_an_error(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", BASE.format(1)) if not name.startswith("myfy") else None
    (project.path / name).mkdir(parents=True)

    assert only_problem().startswith(f"{name}: is a directory, not a file")


@pytest.mark.parametrize("name", ["myfy.toml", "config/local.toml", "config", ".env"])
def test_what_cannot_be_read_a_loop_of_links_is_an_error(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", BASE.format(1)) if name != "myfy.toml" else None
    path = project.path / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path)

    assert only_problem().startswith(f"{name}: cannot be read: too many levels of symbolic links")


@pytest.mark.parametrize("name", ["myfy.toml", "config"])
def test_what_cannot_be_read_a_link_that_leads_nowhere_is_an_error(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", BASE.format(1)) if name != "myfy.toml" else None
    path = project.path / name
    path.symlink_to("gone")

    assert only_problem() == (f"{name}: is a link to a file that does not exist\n  fix: mv {path} {path}.bak")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("stat", "myfy.toml: cannot be read: permission denied"),
        ("listdir", "config: cannot be read: permission denied"),
    ],
)
def test_what_cannot_be_read_a_closed_directory_is_an_error(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, call: str, told: str
) -> None:
    """Root may read everything, so the refusal is played."""
    project.write("myfy.toml", BASE.format(1))
    (project.path / "config").mkdir()
    real = getattr(os, call)

    def refuse(path: str) -> object:
        if str(path).endswith(("myfy.toml", "config")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path)

    monkeypatch.setattr(os, call, refuse)

    assert told in problems()[0]
    assert "fix: chmod u+rx" in problems()[0]


def test_what_cannot_be_read_a_start_that_is_no_directory_is_an_error(project: Sandbox) -> None:
    path = project.write("myfy.toml", BASE.format(1))

    assert "is no directory to start from" in only_problem(start=path)
    assert "is no directory to start from" in only_problem(start="nowhere")
