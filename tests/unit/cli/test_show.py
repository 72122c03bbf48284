"""`config show`: the values in force, where each comes from, and which layers there were."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

TWO_PROFILES = """
    [data]
    default = "main"

    [data.profiles.main]
    database_url = "postgres://app:hunter2@db.internal/main"
    pool_size = 20

    [data.profiles.analytics]
    extends = "main"
    database_url = "sqlite:///./analytics.db"
    active = false
"""


@pytest.fixture
def two_profiles(project: Sandbox) -> Sandbox:
    project.write("myfy.toml", TWO_PROFILES)
    return project


def test_each_value_stands_on_its_own_line(two_profiles: Sandbox, run: Run) -> None:
    assert "profiles.main.pool_size = 20" in run("config", "show").lines


def test_defaults_are_values_in_force(two_profiles: Sandbox, run: Run) -> None:
    assert "profiles.main.pool_timeout = 30.0" in run("config", "show").lines


def test_without_defaults_only_what_a_layer_set_is_left(two_profiles: Sandbox, run: Run) -> None:
    assert run("config", "show", "--no-defaults").lines == [
        "default = main",
        "profiles.main.database_url = postgres://app:***@db.internal/main",
        "profiles.main.driver = postgresql+asyncpg  (derived from database_url)",
        "profiles.main.pool_size = 20",
        "profiles.analytics.database_url = sqlite:///./analytics.db",
        "profiles.analytics.driver = sqlite+aiosqlite  (derived from database_url)",
        "profiles.analytics.pool_size = 20",
        "profiles.analytics.active = false",
    ]


def test_a_full_driver_is_not_called_derived(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite+aiosqlite:///a.db"\n')

    assert "derived" not in run("config", "show").out


def test_a_short_driver_name_is_shown_in_full(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgres"\n')

    assert "profiles.default.driver = postgresql+asyncpg  (derived from driver)" in run("config", "show").lines


def test_the_tls_mode_in_force_is_shown(project: Sandbox, run: Run) -> None:
    """`prefer` is PostgreSQL's default here; a query of the URL says otherwise."""
    project.write("myfy.toml", '[data]\ndatabase_url = "postgres://db/main?sslmode=require"\n')

    assert "profiles.default.tls = require  (derived from database_url)" in run("config", "show").lines


def test_only_the_default_profile_is_required_unless_said(two_profiles: Sandbox, run: Run) -> None:
    required = [line for line in run("config", "show").lines if ".required = " in line]

    assert required == ["profiles.main.required = true", "profiles.analytics.required = false"]


def test_the_place_comes_first_in_a_column(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.setenv("MYFY_DATA_POOL_SIZE", "7")

    lines = run("config", "show", "--origin", "--no-defaults", "--profile", "main").lines

    assert lines == [
        "myfy.toml:5:1            profiles.main.database_url = postgres://app:***@db.internal/main",
        "myfy.toml:5:1            profiles.main.driver = postgresql+asyncpg  (derived from database_url)",
        "env MYFY_DATA_POOL_SIZE  profiles.main.pool_size = 7",
    ]


def test_a_key_that_its_table_lacks_comes_from_the_defaults(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\nsqlite = { busy_timeout = 3 }\n')

    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.default.sqlite.journal_mode"]["source"] == "default"
    assert rows["profiles.default.sqlite.busy_timeout"]["source"] == "myfy.toml"


def test_keys_with_dots_are_quoted(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgres"\nconnect_args.server_settings."app.user" = "me"\n')

    assert 'profiles.default.connect_args.server_settings."app.user" = me' in run("config", "show").lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("", '""'),
        (" padded ", '" padded "'),
        ("a\\nb", '"a\\nb"'),
        ("\\u001b[31mred", '"\\u001b[31mred"'),
    ],
)
def test_a_value_takes_one_line_and_no_control_over_the_terminal(
    project: Sandbox, run: Run, value: str, shown: str
) -> None:
    project.write("myfy.toml", f'[data]\ndriver = "postgres"\napplication_name = "{value}"\n')

    assert f"profiles.default.application_name = {shown}" in run("config", "show").lines


def test_one_profile_alone(two_profiles: Sandbox, run: Run) -> None:
    lines = run("config", "show", "--profile", "analytics").lines

    assert lines
    assert all(line.startswith("profiles.analytics.") for line in lines)


def test_an_unknown_profile_is_refused_with_the_near_one(two_profiles: Sandbox, run: Run) -> None:
    result = run("config", "show", "--profile", "analitics")

    assert result.code == 2
    assert "Did you mean 'analytics'?" in result.err


def test_json_tells_value_and_origin_of_every_key(two_profiles: Sandbox, run: Run) -> None:
    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.main.pool_size"] == {
        "key": "profiles.main.pool_size",
        "value": 20,
        "source": "myfy.toml",
        "file": "myfy.toml",
        "line": 6,
        "column": 1,
        "variable": None,
    }


def test_json_tells_the_variable(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.setenv("MYFY_DATA_POOL_SIZE", "7")

    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.main.pool_size"]["source"] == "environment"
    assert rows["profiles.main.pool_size"]["variable"] == "MYFY_DATA_POOL_SIZE"


def test_json_has_the_keys_without_a_value_too(two_profiles: Sandbox, run: Run) -> None:
    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.main.statement_timeout"]["value"] is None
    assert rows["profiles.main.statement_timeout"]["source"] == "default"


def test_json_calls_a_derived_driver_derived(two_profiles: Sandbox, run: Run) -> None:
    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.main.driver"]["value"] == "postgresql+asyncpg"
    assert rows["profiles.main.driver"]["source"] == "derived"


def test_a_secret_file_is_told_as_a_file(project: Sandbox, run: Run) -> None:
    project.write("secrets/username", "app\n")
    project.write("myfy.toml", '[data]\ndriver = "postgres"\nsecrets_dir = "secrets"\n')

    rows = {row["key"]: row for row in run("config", "show", "--json").json}

    assert rows["profiles.default.username"]["file"] == str(project.path / "secrets" / "username")


def test_the_layers_are_listed_low_to_high(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.write("config/local.toml", "")
    two_profiles.setenv("MYFY_DATA_POOL_SIZE", "7")

    lines = run("config", "show", "--layers").lines

    assert [line.split("  ")[0] for line in lines] == [
        "defaults",
        "myfy.toml",
        "config/development.toml",
        "config/local.toml",
        "secrets_dir",
        ".env",
        "environment",
        "argument",
    ]
    assert lines[1].split() == ["myfy.toml", "found"]
    assert lines[2].split() == ["config/development.toml", "absent"]


def test_a_layer_that_is_not_read_says_why(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.write("config/local.toml", "")

    lines = run("config", "show", "--layers", "--environment", "test").lines

    assert "config/local.toml  not read: the environment is test" in lines


def test_layers_are_listed_even_where_the_configuration_is_wrong(project: Sandbox, run: Run) -> None:
    """When a file seems not to be read, another problem often stands beside it."""
    project.write("myfy.toml", "[data]\npool_size = 0\n")

    result = run("config", "show", "--layers")

    assert result.code == 2
    assert any(line.split() == ["myfy.toml", "found"] for line in result.lines)


def test_layers_and_values_together(two_profiles: Sandbox, run: Run) -> None:
    lines = run("config", "show", "--layers", "--origin").lines

    assert lines[lines.index("") - 1].startswith("argument")
    assert any("profiles.main.pool_size = 20" in line for line in lines)


def test_layers_as_json(two_profiles: Sandbox, run: Run) -> None:
    assert run("config", "show", "--layers", "--json").json[1] == {"name": "myfy.toml", "state": "found", "reason": ""}


def test_sets_stand_above_all_layers(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.setenv("MYFY_DATA_POOL_SIZE", "7")

    lines = run("config", "show", "--set", "pool_size=9", "--origin", "--no-defaults").lines

    assert any(line.split() == ["argument", "profiles.main.pool_size", "=", "9"] for line in lines)


def test_exactly_the_named_files_are_read(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.write("other.toml", '[data.profiles.other]\ndriver = "sqlite"\n')

    lines = run("config", "show", "--config", "other.toml").lines

    assert {line.split(".")[1] for line in lines if line.startswith("profiles.")} == {"other"}


def test_the_environment_chooses_its_overlay(two_profiles: Sandbox, run: Run) -> None:
    two_profiles.write("config/production.toml", "[data]\npool_size = 50\n")

    assert "profiles.main.pool_size = 50" in run("config", "show", "--environment", "production").lines
