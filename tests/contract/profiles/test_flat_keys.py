"""Flat keys are the settings' default profile (contract C2)."""

from __future__ import annotations

from tests.loading import MAIN, TWO, only_problem
from tests.sandbox import Sandbox


def test_flat_keys_are_the_default_profile_in_files(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "b"\npool_size = 3\n' + TWO)

    settings = project.load()

    assert (settings.profiles["b"].pool_size, settings.profiles["a"].pool_size) == (3, 5)


def test_flat_keys_are_the_default_profile_in_the_environment(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "b"\n' + TWO)

    assert project.load(environ={"MYFY_DATA_POOL_SIZE": "3"}).profiles["b"].pool_size == 3


def test_flat_keys_follow_the_default_that_a_higher_layer_names(project: Sandbox) -> None:
    """Flat keys are the settings' default profile, not the layer's."""
    project.write("myfy.toml", '[data]\ndefault = "b"\npool_size = 3\n' + TWO)
    project.write("config/local.toml", '[data]\ndefault = "a"\n')

    settings = project.load()

    assert (settings.profiles["a"].pool_size, settings.profiles["b"].pool_size) == (3, 5)


def test_flat_keys_tune_the_profile_that_nobody_declares(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npool_size = 3\n")

    profile = project.load().profile()

    assert (profile.pool_size, profile.url.backend) == (3, "sqlite")


def test_flat_keys_may_be_unset(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npool_size = 3\n" + MAIN)
    project.write("config/local.toml", '[data]\nunset = ["pool_size"]\n')

    assert project.load().profile().pool_size == 5


def test_flat_keys_beside_the_same_key_of_the_profile_are_an_error_with_both_places(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npool_size = 3\n" + MAIN + "pool_size = 4\n")

    assert only_problem() == (
        "myfy.toml:2:1: pool_size: is set twice: flat keys mean the default profile 'main'\n"
        "    also at myfy.toml:5:1\n"
        "  fix: delete one of the two lines"
    )


def test_flat_keys_beside_the_same_key_in_variables_are_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    environ = {"MYFY_DATA_POOL_SIZE": "3", "MYFY_DATA_PROFILES__MAIN__POOL_SIZE": "4"}

    told = only_problem(environ=environ)

    assert "env MYFY_DATA_POOL_SIZE: pool_size: is set twice" in told
    assert "also at env MYFY_DATA_PROFILES__MAIN__POOL_SIZE" in told
    assert told.endswith("fix: unset MYFY_DATA_POOL_SIZE")


def test_flat_keys_beside_other_keys_of_the_same_table_are_none(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        '[data.sqlite]\njournal_mode = "off"\n[data.profiles.main]\ndatabase_url = "sqlite://"\n'
        "[data.profiles.main.sqlite]\nbusy_timeout = 9.0\n",
    )

    settings = project.load()

    assert (settings.profile().sqlite.journal_mode, settings.profile().sqlite.busy_timeout) == ("off", 9.0)
    assert str(settings.origin("sqlite.journal_mode")) == "myfy.toml:2:1"
    assert str(settings.origin("sqlite.busy_timeout")) == "myfy.toml:6:1"
