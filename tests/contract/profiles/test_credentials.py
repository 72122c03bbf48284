"""Contract C12.4, C3.5: `credentials` is part of a profile's identity, and one of the ways to give a password."""

from __future__ import annotations

import json

import pytest

from tests.loading import MAIN, only_problem, only_refusal, problems, warnings
from tests.sandbox import Sandbox

PROVIDED = MAIN + 'credentials = "app.auth:token"\n'


@pytest.mark.parametrize("source", ["file", "variable", "argument"])
def test_credentials_are_named_by_every_layer(project: Sandbox, source: str) -> None:
    options = {"region": "eu", "roles": ["a", "b"]}
    table = '[data.profiles.main.credentials_options]\nregion = "eu"\nroles = ["a", "b"]\n'
    project.write("myfy.toml", PROVIDED + table if source == "file" else MAIN)
    environ = {"MYFY_DATA_CREDENTIALS": "app.auth:token", "MYFY_DATA_CREDENTIALS_OPTIONS": json.dumps(options)}
    overrides = {"credentials": "app.auth:token", "credentials_options": options}

    profile = project.load(
        environ=environ if source == "variable" else {}, overrides=overrides if source == "argument" else {}
    ).profile()

    assert (str(profile.credentials), profile.credentials_options) == ("app.auth:token", options)
    assert profile.credentials is not None
    assert profile.credentials.base_dir == project.path


@pytest.mark.parametrize("other", ['password = "c4nary"\n', 'password_file = "pw"\n'])
def test_credentials_beside_a_password_in_one_layer_are_an_error(project: Sandbox, other: str) -> None:
    project.write("myfy.toml", PROVIDED + other)

    problem = only_problem()

    assert problem.startswith("myfy.toml:4:1: profiles.main.password")
    assert "the password is given twice: here and by credentials\n    other at myfy.toml:3:1" in problem
    assert problem.endswith("fix: delete this line")
    assert "c4nary" not in problem


def test_credentials_beside_a_password_in_the_url_are_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", PROVIDED.replace("app@", "app:c4nary@"))

    assert "profiles.main.credentials: the password is given twice: here and by database_url" in only_problem()


def test_a_password_of_a_higher_layer_takes_the_place_of_credentials_and_the_reverse(project: Sandbox) -> None:
    project.write("myfy.toml", PROVIDED)
    project.write("config/development.toml", '[data.profiles.main]\npassword = "own"\n')
    first = project.load().profile()
    project.write("config/local.toml", '[data.profiles.main]\ncredentials = "command"\n')
    second = project.load().profile()

    assert (first.credentials, second.credentials) == (None, "command")
    assert second.password is None


def test_a_url_of_a_higher_layer_drops_credentials_with_their_options(project: Sandbox) -> None:
    project.write("myfy.toml", PROVIDED + '[data.profiles.main.credentials_options]\nregion = "eu"\n')
    environ = {"MYFY_DATA_DATABASE_URL": "postgresql+asyncpg://app@other/main"}

    profile = project.load(environ=environ).profile()

    assert (profile.credentials, profile.credentials_options) == (None, None)
    assert "so the credentials at myfy.toml:3:1 is not used" in warnings(environ=environ)[0]


@pytest.mark.parametrize("said", ["app.auth", "command", "aws-rds", "app.auth:Tokens.give"])
def test_names_of_functions_and_of_entry_points_load(project: Sandbox, said: str) -> None:
    project.write("myfy.toml", PROVIDED.replace("app.auth:token", said))

    assert problems() == []


@pytest.mark.parametrize("said", ["p4ss word", "app.auth:", ":token", "app.auth:token()", "https://vault/token"])
def test_what_can_be_no_provider_is_refused_and_not_repeated(project: Sandbox, said: str) -> None:
    project.write("myfy.toml", PROVIDED.replace("app.auth:token", said))

    problem = only_problem()

    assert problem.startswith("myfy.toml:3:1: profiles.main.credentials: is neither a function")
    assert "fix: write app.auth:token in its place" in problem
    assert said not in problem.replace("app.auth:token", "")


def test_config_check_knows_the_names_of_what_is_installed(project: Sandbox) -> None:
    project.write("myfy.toml", PROVIDED.replace("app.auth:token", "fil"))

    problem = only_refusal()

    assert problem.startswith("myfy.toml:3:1: profiles.main.credentials: no provider is called 'fil'")
    assert problem.endswith('fix: credentials = "file"')


def test_options_without_credentials_are_refused(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + '[data.profiles.main.credentials_options]\nregion = "eu"\n')

    assert "profiles.main.credentials_options" in only_refusal()


def test_config_check_does_not_import_the_provider(project: Sandbox) -> None:
    project.write("myfy.toml", PROVIDED)
    project.write("app/auth.py", "raise SystemExit('imported')\n")

    assert project.run("config", "check").returncode == 0


def test_what_is_shown_names_the_provider_and_masks_secret_options(project: Sandbox) -> None:
    options = '[data.profiles.main.credentials_options]\nregion = "eu"\napi_key = "c4nary"\n'
    project.write("myfy.toml", PROVIDED + options)

    shown = project.run("config", "show").stdout

    assert "profiles.main.credentials = app.auth:token\n" in shown
    assert "profiles.main.credentials_options.region = eu\n" in shown
    assert "c4nary" not in shown + repr(project.load()) + project.load().model_dump_json()


def test_sqlite_has_no_use_for_credentials(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "sqlite:///x.db"\ncredentials = "command"\n')

    assert "profiles.main.credentials: means nothing to SQLite" in only_problem()
