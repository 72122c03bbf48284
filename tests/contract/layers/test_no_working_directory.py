"""Contract C3.1: the working directory may be deleted under the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from myfy_data.errors import ConfigError
from tests.loading import report
from tests.sandbox import Sandbox

BASE = '[data]\ndatabase_url = "sqlite:///x.db"\npool_size = {}\n'


def pool_size(start: Path | None = None) -> int:
    found = report(start=start, environ={})
    assert found.settings is not None, found.problems
    return found.settings.profile().pool_size


@pytest.fixture(autouse=True)
def gone(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = project.path / "gone"
    directory.mkdir()
    monkeypatch.chdir(directory)
    directory.rmdir()


def test_the_working_directory_that_was_deleted_is_no_crash(project: Sandbox) -> None:
    settings = project.load(environ={"MYFY_DATA_DATABASE_URL": "postgresql://db/main"})

    assert settings.profile().url.host == "db"
    assert "the working directory is gone" in str(settings.warnings[0])


def test_the_working_directory_that_was_deleted_cannot_hold_a_database(project: Sandbox) -> None:
    with pytest.raises(ConfigError, match="the working directory is gone, so a relative path leads nowhere"):
        project.load()


def test_the_working_directory_that_was_deleted_does_not_matter_to_an_absolute_start(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.format(1))

    assert pool_size(project.path) == 1


def test_the_working_directory_that_was_deleted_does_not_matter_to_an_absolute_file(project: Sandbox) -> None:
    path = project.write("myfy.toml", BASE.format(1))

    assert project.load(files=[path]).profile().url.database == f"{project.path}/x.db"
