"""`config check`: every problem, then the warnings, then the count."""

from __future__ import annotations

import re

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

SOUND = """
    [data]
    default = "main"

    [data.profiles.main]
    database_url = "sqlite:///./app.db"

    [data.profiles.base]
    abstract = true

    [data.profiles.other]
    extends = "base"
    driver = "sqlite"
"""
NO_TLS = '[data]\ndatabase_url = "postgres://db.internal/main"\nenvironment = "production"\n'


def test_a_sound_configuration_is_counted(project: Sandbox, run: Run) -> None:
    """Templates are no databases, so they are not counted."""
    project.write("myfy.toml", SOUND)
    project.write("config/local.toml", "")
    project.write(".env", "OTHER=1\n")

    result = run("config", "check")

    assert result.lines == ["3 files, 2 profiles, 0 errors, 0 warnings"]
    assert result.code == 0


def test_no_configuration_at_all_is_a_warning_that_names_the_directory(project: Sandbox, run: Run) -> None:
    result = run("config", "check")

    assert result.code == 0
    assert result.lines[0].startswith(
        f"warning: no configuration was found: no myfy.toml in {project.path} or above it"
    )
    assert result.lines[-1] == "0 files, 1 profile, 0 errors, 1 warning"


@pytest.mark.parametrize(("environment", "code"), [("development", 1), ("production", 2), ("live", 2)])
def test_no_configuration_at_all_is_an_error_of_strict_in_production(
    project: Sandbox, run: Run, environment: str, code: int
) -> None:
    assert run("config", "check", "--strict", "--environment", environment).code == code


@pytest.mark.parametrize("variable", ["MYFY_DATA_DATABASE_URL", "MYFY_DATA_PROFILES__MAIN__DATABASE_URL"])
def test_a_url_in_a_variable_is_a_configuration(project: Sandbox, run: Run, variable: str) -> None:
    project.setenv(variable, "sqlite:///app.db")

    assert run("config", "check", "--strict", "--environment", "production").code == 0


@pytest.mark.parametrize("command", [("ping",), ("ping", "--json"), ("db", "upgrade")])
def test_commands_that_connect_refuse_production_without_a_configuration(
    project: Sandbox, run: Run, command: tuple[str, ...]
) -> None:
    result = run(*command, "--environment", "production")

    assert result.code == 2
    assert not (project.path / "myfy.db").exists()


def test_every_problem_of_every_layer_is_told(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "[data]\npoll_size = 5\n")
    project.write("config/local.toml", "[data]\npool_timeout = 0\n")
    project.setenv("MYFY_DATA_POLL_SIZE", "3")

    result = run("config", "check")

    assert result.code == 2
    told = [line for line in result.lines if not line.startswith(" ")]
    assert [line.split(": ")[0] for line in told[:-1]] == [
        "myfy.toml:2:1",
        "config/local.toml:2:1",
        "env MYFY_DATA_POLL_SIZE",
    ]
    assert told[-1] == "2 files, 1 profile, 3 errors, 0 warnings"


def test_a_warning_alone_is_no_failure(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", NO_TLS)

    result = run("config", "check")

    assert result.code == 0
    assert re.match(r"warning: myfy\.toml:\d+:\d+: profiles\.default\.tls: ", result.lines[0])
    assert result.lines[-1] == "1 file, 1 profile, 0 errors, 1 warning"


def test_strict_fails_on_a_warning(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", NO_TLS)

    assert run("config", "check", "--strict").code == 1


def test_strict_takes_what_has_no_warning(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", SOUND)

    assert run("config", "check", "--strict").code == 0


def test_a_problem_weighs_more_than_a_warning(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", NO_TLS)

    assert run("config", "check", "--strict", "--set", "poll_size=3").code == 2


def test_json_has_each_problem_in_fields(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "[data]\npoll_size = 5\n")

    result = run("config", "check", "--json")

    assert result.code == 2
    assert result.json["problems"] == [
        {
            "place": "myfy.toml:2:1",
            "key": "poll_size",
            "message": "no such setting. Did you mean 'pool_size'?",
            "facts": [],
            "fix": "rename it to pool_size",
        }
    ]


def test_json_has_warnings_and_counts(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", NO_TLS)

    report = run("config", "check", "--json").json

    assert [warning["key"] for warning in report["warnings"]] == ["profiles.default.tls"]
    assert (report["files"], report["profiles"], report["environment"]) == (1, 1, "production")


@pytest.mark.parametrize(
    "broken", ["[data\n", "data = 5\n", "\x00", "[data]\na = 1\na = 2\n", "[data.profiles]\nmain = 5\n"]
)
def test_a_broken_file_is_told_and_never_a_traceback(project: Sandbox, run: Run, broken: str) -> None:
    project.write("myfy.toml", broken)

    result = run("config", "check")

    assert result.code == 2
    assert result.lines[0].startswith("myfy.toml")
