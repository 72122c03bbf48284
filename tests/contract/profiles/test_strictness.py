"""Files are validated strictly; unknown keys are errors (contract C2)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox


def test_strictness_an_unknown_key_is_an_error_with_place_and_suggestion(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "poll_size = 5\n")

    assert only_problem() == (
        "myfy.toml:3:1: profiles.main.poll_size: no such setting. Did you mean 'pool_size'?\n"
        "  fix: rename it to pool_size"
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("url", "database_url"),
        ("user", "username"),
        ("dbname", "database"),
        ("sslmode", "tls"),
        ("pre_ping", "pool_pre_ping"),
    ],
)
def test_strictness_the_word_of_another_library_is_known(project: Sandbox, key: str, meant: str) -> None:
    project.write("myfy.toml", MAIN + f"{key} = 5\n")

    assert f"Did you mean '{meant}'?" in only_problem()


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("data", "defualt"),
        ("data.profiles.main", "extend"),
        ("data.profiles.main.sqlite", "journal"),
        ("data", "profile"),
    ],
)
def test_strictness_an_unknown_key_is_an_error_at_every_level(project: Sandbox, table: str, key: str) -> None:
    project.write(
        "myfy.toml", MAIN + f"[{table}]\n{key} = 1\n" if table != "data.profiles.main" else MAIN + f"{key} = 1\n"
    )

    assert "no such setting" in only_problem()


def test_strictness_a_profile_outside_profiles_is_told_where_it_belongs(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.warehouse]\ndatabase_url = "sqlite://"\n')

    assert only_problem() == (
        "myfy.toml:1:7: warehouse: no such setting; a profile stands under `profiles`\n"
        "  fix: rename it to profiles.warehouse"
    )


@pytest.mark.parametrize(
    ("value", "got", "fix"),
    [
        ('"5"', "'5'", "pool_size = 5"),
        ("true", "true", "pool_size = 5"),
        ("5.0", "5.0", "pool_size = 5"),
        ("2024-01-01", "2024-01-01", "pool_size = 5"),
        ("[5]", "a list", "pool_size = 5"),
        ("{ a = 1 }", "a table", "pool_size = 5"),
        ('"${X:-abc}"', "what ${X} stands for", "set X to a whole number"),
    ],
)
def test_strictness_files_are_validated_strictly(project: Sandbox, value: str, got: str, fix: str) -> None:
    project.write("myfy.toml", MAIN + f"pool_size = {value}\n")

    assert only_problem() == (
        f"myfy.toml:3:1: profiles.main.pool_size: expected a whole number, got {got}\n  fix: {fix}"
    )


def test_strictness_a_number_beyond_reason_is_told_without_a_crash(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + f"    port = {'9' * 400}\npool_timeout = {'9' * 400}\n")

    told = problems()

    assert len(told) == 2
    assert max(map(len, told)) < 300


def test_strictness_keys_that_start_with_x_are_free_at_every_level(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        'x-a = 1\n[x-b]\n[data]\nx-c = { pool_size = "no" }\n[data.profiles.x-d]\npool_size = "no"\n'
        + MAIN
        + "x-e = 1\n[data.profiles.main.sqlite]\nx-f = 1\n[data.profiles.main.migrations.x-g]\nh = 1\n",
    )

    settings = project.load()

    assert list(settings.profiles) == ["main"]
    assert settings.warnings == ()


@pytest.mark.parametrize("address", ['database_url = "sqlite://"', 'driver = "sqlite"', 'host = "db.internal"'])
def test_strictness_a_profile_whose_name_makes_it_free_is_warned_of(project: Sandbox, address: str) -> None:
    project.write("myfy.toml", f"{MAIN}[data.profiles.x-ray]\n{address}\n")

    (warning,) = project.load().warnings

    line = MAIN.count("\n") + 1
    assert str(warning) == (
        f"myfy.toml:{line}:16: profiles.x-ray: is no profile: names that start with 'x-' are free for you, so nothing"
        " below is read\n  fix: rename it to ray"
    )


def test_strictness_an_x_key_of_a_free_table_belongs_to_the_driver(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'connect_args = { x-y = "z" }\n')

    assert project.load().profile().connect_args == {"x-y": "z"}


def test_strictness_environment_may_stand_in_the_base_file_only(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", '[data]\nenvironment = "staging"\n')

    assert only_problem() == (
        "config/local.toml:2:1: environment: can only stand in the base file\n  fix: move it to myfy.toml"
    )


@pytest.mark.parametrize(("key", "fix"), [("database_url", '"sqlite+aiosqlite:///./app.db"'), ("driver", '"sqlite"')])
def test_an_address_that_is_no_text_is_told_with_one_that_would_do(project: Sandbox, key: str, fix: str) -> None:
    project.write("myfy.toml", f"[data.profiles.main]\n{key} = 5\n")

    assert only_problem() == f"myfy.toml:2:1: profiles.main.{key}: expected text, got 5\n  fix: {key} = {fix}"
