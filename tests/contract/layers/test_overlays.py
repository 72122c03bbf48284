"""Contract C3.3: a name that no overlay bears."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox


@pytest.fixture(autouse=True)
def files(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/production.toml", "[data]\npool_size = 7\n")


def test_overlays_of_the_environment_are_read(project: Sandbox) -> None:
    assert project.load(environment="production").profile().pool_size == 7
    assert project.load().profile().pool_size == 5


def test_overlays_that_a_misspelt_name_misses_are_suggested(project: Sandbox) -> None:
    assert only_problem(environ={"MYFY_DATA_ENVIRONMENT": "prodution"}) == (
        "env MYFY_DATA_ENVIRONMENT: environment: environment 'prodution' has no file in config/; there are: production."
        " Did you mean 'production'?\n"
        "    if 'prodution' is new, an empty config/prodution.toml will do\n"
        "  fix: MYFY_DATA_ENVIRONMENT=production"
    )


def test_overlays_that_an_unknown_name_misses_may_be_empty(project: Sandbox) -> None:
    assert only_problem(environment="qa") == (
        "argument: environment: environment 'qa' has no file in config/; there are: production\n"
        "    an empty config/qa.toml will do\n"
        "  fix: touch config/qa.toml"
    )
    project.write("config/qa.toml", "")

    assert project.load(environment="qa").environment == "qa"


@pytest.mark.parametrize("name", ["development", "test"])
def test_overlays_may_lack_for_development_and_test(project: Sandbox, name: str) -> None:
    assert project.load(environment=name).environment == name


def test_overlays_of_others_do_not_matter_when_there_is_only_local(project: Sandbox) -> None:
    (project.path / "config/production.toml").unlink()
    project.write("config/local.toml", "")

    assert project.load(environment="qa").environment == "qa"
