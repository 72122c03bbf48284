"""Contract C3.3: which origin names the environment."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems, report
from tests.sandbox import Sandbox


def test_nobody_says_it_is_development(project: Sandbox) -> None:
    settings = project.load(environ={})

    assert settings.environment == "development"
    assert str(settings.origin("environment")) == "default"


def test_the_sources_of_the_name_are_asked_in_order(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nenvironment = "base"\n' + MAIN)
    assert project.load(environ={}).environment == "base"
    assert str(project.load(environ={}).origin("environment")) == "myfy.toml:2:1"

    project.write(".env", "MYFY_DATA_ENVIRONMENT=dotenv\n")
    assert project.load(environ={}).environment == "dotenv"
    assert str(project.load(environ={}).origin("environment")) == ".env:1:1"

    environ = {"MYFY_DATA_ENVIRONMENT": "process"}
    assert project.load(environ=environ).environment == "process"
    assert str(project.load(environ=environ).origin("environment")) == "env MYFY_DATA_ENVIRONMENT"

    assert project.load(environ=environ, environment="argument").environment == "argument"
    assert str(project.load(environ=environ, environment="argument").origin("environment")) == "argument"


def test_the_base_file_may_refer_to_a_variable(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nenvironment = "${STAGE}"\n' + MAIN)
    project.write(".env", "STAGE=from-dotenv\n")

    assert project.load(environ={}).environment == "from-dotenv"
    assert project.load(environ={"STAGE": "from-process"}).environment == "from-process"


def test_the_base_file_that_refers_to_nothing_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nenvironment = "${STAGE}"\n' + MAIN)

    assert only_problem() == (
        "myfy.toml:2:1: environment: needs environment variable STAGE, which is not set\n"
        "  fix: set STAGE, or give a default: ${STAGE:-value}"
    )


def test_dotenv_cannot_choose_test(project: Sandbox) -> None:
    project.write(".env", "X=1\nMYFY_DATA_ENVIRONMENT=test\n")

    assert only_problem() == (
        ".env:2:1: environment: 'test' cannot be chosen here: .env is not read in environment test\n"
        "  fix: delete this line, and set MYFY_DATA_ENVIRONMENT=test in the process"
    )


def test_dotenv_cannot_choose_test_by_a_reference_either(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nenvironment = "${STAGE}"\n' + MAIN)
    project.write(".env", "STAGE=test\n")

    assert only_problem().startswith("myfy.toml:2:1: environment: needs environment variable STAGE, which is not set")


def test_dotenv_may_say_test_where_the_process_says_otherwise(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_ENVIRONMENT=test\n")

    assert project.load(environ={"MYFY_DATA_ENVIRONMENT": "staging"}).environment == "staging"


@pytest.mark.parametrize("name", ["production", "prod", "live", "Production"])
def test_production_blocks_auto_create(project: Sandbox, name: str) -> None:
    assert project.load(environment=name).blocks_auto_create


@pytest.mark.parametrize("name", ["development", "test", "staging", "preprod"])
def test_other_environments_do_not(project: Sandbox, name: str) -> None:
    assert not project.load(environment=name).blocks_auto_create


@pytest.mark.parametrize(("name", "fix"), [("eu/west", "eu-west"), ("../x", "x"), ("a b", "a-b"), ("ü", "development")])
def test_a_name_that_no_file_can_bear_is_an_error(project: Sandbox, name: str, fix: str) -> None:
    told = only_problem(environ={"MYFY_DATA_ENVIRONMENT": name})

    assert "an environment's name has letters, digits, '-' and '_' only" in told
    assert told.endswith(f"fix: MYFY_DATA_ENVIRONMENT={fix}")


def test_local_is_no_environment(project: Sandbox) -> None:
    assert "'local' is taken: config/local.* is read in every environment" in only_problem(environment="local")


def test_an_empty_variable_is_no_way_to_development(project: Sandbox) -> None:
    """Compose turns an unset variable into an empty one; production must not start as development (C3.6)."""
    assert only_problem(environ={"MYFY_DATA_ENVIRONMENT": ""}) == (
        "env MYFY_DATA_ENVIRONMENT: is set but empty\n  fix: unset MYFY_DATA_ENVIRONMENT"
    )


def test_two_spellings_of_the_variable_are_set_twice(project: Sandbox) -> None:
    environ = {"MYFY_DATA_ENVIRONMENT": "a", "myfy_data_environment": "b"}

    assert "is set twice" in only_problem(environ=environ)


@pytest.mark.parametrize("request_", [{"overrides": {"environment": "x"}}, {"sets": ["environment=x"]}])
def test_an_argument_of_another_kind_cannot_choose_it(project: Sandbox, request_: dict[str, object]) -> None:
    assert "environment: cannot be said here" in only_problem(**request_)


def test_a_secret_file_cannot_choose_it(project: Sandbox) -> None:
    project.write("secrets/MYFY_DATA_ENVIRONMENT", "production\n")

    assert "cannot be said here" in only_problem(environ={"MYFY_DATA_SECRETS_DIR": "secrets"})


def test_a_secret_file_without_the_prefix_is_somebody_elses(project: Sandbox) -> None:
    project.write("secrets/environment", "production\n")

    assert project.load(environ={"MYFY_DATA_SECRETS_DIR": "secrets"}).environment == "development"


@pytest.mark.parametrize("value", ["5", '""'])
def test_the_base_file_says_it_in_text(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", f"[data]\nenvironment = {value}\n" + MAIN)

    assert only_problem().endswith('fix: environment = "development"')


def test_a_broken_base_file_is_the_only_thing_told(project: Sandbox) -> None:
    project.write("myfy.toml", "[data\n")
    project.write(
        "config/local.toml", '[data]\ndefault = "main"\nunset = ["pool_size"]\n[data.profiles.x]\npoll_size = 1\n'
    )

    told = problems(environ={"MYFY_DATA_PROFILES__MAIN__POOL_SIZE": "5"})

    assert [line.partition(": ")[0] for line in told] == ["myfy.toml:1:6", "config/local.toml:5:1"]
    assert report().environment == "development"
