"""Contract C3.1: which files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.loading import only_problem, report, warnings
from tests.sandbox import Sandbox

BASE = '[data]\ndatabase_url = "sqlite:///x.db"\npool_size = {}\n'


def pool_size(start: Path | None = None) -> int:
    found = report(start=start, environ={})
    assert found.settings is not None, found.problems
    return found.settings.profile().pool_size


@pytest.mark.parametrize("name", ["myfy.toml", "myfy.yaml", "myfy.yml"])
def test_the_nearest_directory_upward_is_the_root(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", BASE.format(1))
    yaml = "data: {database_url: 'sqlite://', pool_size: 2}"
    project.write(f"near/{name}", BASE.format(2) if name.endswith("toml") else yaml)
    deep = project.write("near/a/b/c.txt", "").parent

    assert pool_size(deep) == 2


def test_the_working_directory_is_where_the_search_begins(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("myfy.toml", BASE.format(3))
    monkeypatch.chdir(project.write("a/b/c.txt", "").parent)

    settings = project.load()

    assert settings.profile().pool_size == 3
    assert settings.project_root == project.path


def test_nothing_above_the_hit_is_read(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\npool_size = "wrong"\n')
    project.write("config/local.toml", "[data]\npool_size = 9\n")
    project.write(".env", "MYFY_DATA_POOL_SIZE=8\n")
    project.write("near/myfy.toml", BASE.format(2))

    assert pool_size(project.path / "near") == 2


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_the_search_stops_after_a_directory_with_git(project: Sandbox, kind: str) -> None:
    project.write("myfy.toml", BASE.format(9))
    repository = project.path / "repository"
    (repository / "inside").mkdir(parents=True)
    if kind == "directory":
        (repository / ".git").mkdir()
    else:
        (repository / ".git").write_text("gitdir: elsewhere")

    assert pool_size(repository / "inside") == 5

    project.write("repository/myfy.toml", BASE.format(4))

    assert pool_size(repository / "inside") == 4


def test_the_search_stops_at_the_home_directory(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("myfy.toml", BASE.format(9))
    home = project.write("home/work/x.txt", "").parent.parent
    monkeypatch.setenv("HOME", str(home))

    assert pool_size(home / "work") == 5

    project.write("home/myfy.toml", BASE.format(4))

    assert pool_size(home / "work") == 4


def test_the_search_stops_at_a_file_system_boundary(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("myfy.toml", BASE.format(9))
    mount = project.write("mount/inside/x.txt", "").parent.parent
    real = os.stat

    def stat(path: str, **options: bool) -> os.stat_result:
        found = list(real(path, **options))
        found[2] = 7 if str(path).startswith(str(mount)) else 6
        return os.stat_result(found)

    monkeypatch.setattr(os, "stat", stat)

    assert pool_size(mount / "inside") == 5


def test_two_formats_for_the_base_layer_are_an_error_naming_both(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.format(1))
    project.write("myfy.yaml", "data: {}\n")

    assert only_problem() == (
        "myfy.toml: one layer, two files: myfy.toml and myfy.yaml\n"
        "    keys of myfy.yaml that you need go into myfy.toml\n"
        "  fix: mv myfy.yaml myfy.yaml.bak"
    )


def test_two_formats_for_an_overlay_are_an_error_naming_both(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.format(1))
    project.write("config/local.yml", "data: {}\n")
    project.write("config/local.toml", "")

    assert "config/local.toml and config/local.yml" in only_problem()


def test_two_formats_of_a_file_that_is_no_layer_are_none_of_our_business(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.format(1))
    project.write("config/logging.yml", "x: 1\n")
    project.write("config/logging.toml", "x = 1")

    assert warnings() == []


@pytest.mark.parametrize("name", ["local.toml", "production.yaml", "development.toml", "test.yml", "staging.toml"])
def test_overlays_without_a_base_beside_them_are_an_error(project: Sandbox, name: str) -> None:
    project.write(f"config/{name}", "")

    assert only_problem() == (
        f"config/{name}: is an overlay, but no myfy.toml stands beside config/\n  fix: touch myfy.toml"
    )


@pytest.mark.parametrize(
    ("name", "text"), [("qa.toml", "[data]\n"), ("eu.toml", "[data.profiles.a]\n"), ("qa.yaml", "data:\n")]
)
def test_any_name_is_an_overlay_when_our_table_stands_in_it(project: Sandbox, name: str, text: str) -> None:
    project.write(f"config/{name}", text)

    assert only_problem().startswith(f"config/{name}: is an overlay")


def test_overlays_without_a_base_are_found_from_below(project: Sandbox) -> None:
    project.write("config/local.toml", "[data]\n")
    deep = project.write("a/b/x.txt", "").parent

    assert only_problem(start=deep).endswith(f"fix: touch {project.path}/myfy.toml")


def test_a_config_directory_of_somebody_else_is_left_alone(project: Sandbox) -> None:
    project.write("config/logging.yaml", "version: 1\n")
    project.write("config/settings.py", "[data]\n")

    assert warnings() == []


def test_a_file_called_config_is_left_alone(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.format(1))
    project.write("config", "text")

    assert pool_size() == 1


@pytest.mark.parametrize("text", ["\ufeff[data]\r\npool_size = 3\r\n", "[data]\r\npool_size = 3"])
def test_a_byte_order_mark_and_crlf_change_nothing(project: Sandbox, text: str) -> None:
    (project.path / "myfy.toml").write_bytes(text.encode())

    settings = project.load()

    assert settings.profile().pool_size == 3
    assert str(settings.origin("pool_size")) == "myfy.toml:2:1"


def test_files_seen_from_below_are_named_in_full(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npoll_size = 1\n")
    deep = project.write("a/x.txt", "").parent

    assert only_problem(start=deep).startswith(f"{project.path}/myfy.toml:2:1: ")


def test_dots_in_the_start_lead_up_where_the_system_says(project: Sandbox) -> None:
    """`a/link/..` is the parent of what the link leads to, not `a`."""
    project.write("elsewhere/myfy.toml", BASE.format(4))
    project.write("a/myfy.toml", BASE.format(3))
    (project.path / "elsewhere/inside").mkdir()
    (project.path / "a/link").symlink_to(project.path / "elsewhere/inside")

    assert pool_size(project.path / "a/link" / "..") == 4
