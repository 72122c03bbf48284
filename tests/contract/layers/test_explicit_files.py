"""Contract C3.1: exactly the files that were asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from myfy_data.errors import ConfigError
from tests.loading import only_problem, report
from tests.sandbox import Sandbox

BASE = '[data]\ndatabase_url = "sqlite:///x.db"\npool_size = {}\n'


def pool_size(start: Path | None = None) -> int:
    found = report(start=start, environ={})
    assert found.settings is not None, found.problems
    return found.settings.profile().pool_size


def test_explicit_files_are_exactly_those_in_that_order(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\nwrong = 1\n")
    project.write("config/local.toml", "wrong")
    project.write(".env", "MYFY_DATA_POOL_SIZE=9\n")
    project.write("one.toml", BASE.format(1))
    project.write("two.yaml", "data: {pool_size: 2}")

    assert project.load(files=["one.toml", "two.yaml"]).profile().pool_size == 2
    assert project.load(files=["two.yaml", "one.toml"]).profile().pool_size == 1


def test_explicit_files_come_from_a_variable_joined_as_paths_are(project: Sandbox) -> None:
    project.write("one.toml", BASE.format(1))
    project.write("two.toml", "[data]\npool_size = 2\n")
    environ = {"MYFY_DATA_CONFIG": os.pathsep.join(["one.toml", str(project.path / "two.toml")])}

    assert project.load(environ=environ).profile().pool_size == 2


def test_explicit_files_given_as_an_argument_win_over_the_variable(project: Sandbox) -> None:
    project.write("one.toml", BASE.format(1))
    environ = {"MYFY_DATA_CONFIG": "missing.toml"}

    assert project.load(files=["one.toml"], environ=environ).profile().pool_size == 1


def test_explicit_files_may_be_one_path_alone(project: Sandbox) -> None:
    path = project.write("one.toml", BASE.format(1))

    assert project.load(files=path).profile().pool_size == 1
    assert project.load(files="one.toml").profile().pool_size == 1


def test_explicit_files_may_be_none_at_all(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\nwrong = 1\n")

    assert project.load(files=[]).profile().pool_size == 5


def test_explicit_files_must_exist(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\nwrong = 1\n")

    with pytest.raises(ConfigError) as caught:
        project.load(files=["no.toml"])

    assert str(caught.value) == (
        "no.toml: does not exist. Did you mean 'myfy.toml'?\n    named by files=, --config or MYFY_DATA_CONFIG\n"
        "  fix: --config myfy.toml"
    )


def test_explicit_files_still_stand_below_secrets_environment_and_arguments(project: Sandbox) -> None:
    project.write("secrets/max_overflow", "7\n")
    project.write("one.toml", 'data = { secrets_dir = "secrets", database_url = "sqlite://" }\n')

    profile = project.load(
        files=["one.toml"], environ={"MYFY_DATA_POOL_SIZE": "8"}, overrides={"pool_timeout": 9.0}
    ).profile()

    assert (profile.max_overflow, profile.pool_size, profile.pool_timeout) == (7, 8, 9.0)


def test_explicit_files_are_told_as_the_reason_why_other_layers_are_not_read(project: Sandbox) -> None:
    project.write("one.toml", BASE.format(1))

    states = {status.name: (status.state, status.reason) for status in report(files=["one.toml"]).layers}

    reason = ("not read", "the files were named explicitly")
    assert states["config/development.toml"] == states["config/local.toml"] == states[".env"] == reason


def test_explicit_files_make_the_first_ones_directory_the_root(project: Sandbox) -> None:
    project.write("etc/one.toml", '[data]\ndatabase_url = "sqlite:///x.db"\n')

    settings = project.load(files=["etc/one.toml"])

    assert settings.project_root == project.path / "etc"
    assert settings.profile().url.database == f"{project.path}/etc/x.db"


def test_explicit_files_say_the_environment_in_the_first_only(project: Sandbox) -> None:
    project.write("one.toml", '[data]\nenvironment = "staging"\n')
    project.write("two.toml", '[data]\nenvironment = "live"\n')

    assert only_problem(files=["one.toml", "two.toml"]) == (
        "two.toml:2:1: environment: can only stand in the base file\n  fix: move it to one.toml"
    )


def test_explicit_files_say_by_their_name_what_they_are(project: Sandbox) -> None:
    project.write("one.conf", BASE.format(1))

    assert "its name does not say whether it is TOML or YAML" in only_problem(files=["one.conf"])
