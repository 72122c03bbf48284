"""Contract C3.4: a layer takes back what lower layers put there."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

TABLES = MAIN + "connect_args = { timeout = 5, server_settings = { jit = 'off', a = '1' }, hosts = ['a', 'b'] }\n"


def test_unset_removes_what_lower_layers_put_there(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "pool_recycle = 60\n")
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["pool_recycle"]\n')

    settings = project.load()

    assert settings.profile().pool_recycle == 3600
    assert str(settings.origin("pool_recycle")) == "default"


def test_unset_reaches_into_tables(project: Sandbox) -> None:
    project.write("myfy.toml", TABLES)
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["connect_args.server_settings.jit"]\n')

    assert project.load().profile().connect_args["server_settings"] == {"a": "1"}


def test_unset_removes_a_whole_table(project: Sandbox) -> None:
    project.write("myfy.toml", TABLES)
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["connect_args"]\n')

    assert project.load().profile().connect_args == {}


def test_unset_names_a_key_with_a_dot_in_quotes(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'connect_args = { "a.b" = 1, a = { b = 2 } }\n')
    project.write("config/local.toml", """[data.profiles.main]\nunset = ['connect_args."a.b"']\n""")

    assert project.load().profile().connect_args == {"a": {"b": 2}}


def test_unset_comes_before_what_its_own_layer_says(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "connect_args = { a = 1 }\n")
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["connect_args"]\nconnect_args = { b = 2 }\n')

    assert project.load().profile().connect_args == {"b": 2}


def test_unset_removes_what_a_parent_put_there(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'pool_size = 9\n[data.profiles.b]\nextends = "main"\nunset = ["pool_size"]\n')

    assert project.load().profiles["b"].pool_size == 5


def test_unset_does_not_reach_an_heir_twice(project: Sandbox) -> None:
    """What a parent unset is gone for its heirs too, and an heir may set it again."""
    project.write("myfy.toml", MAIN + 'pool_size = 9\n[data.profiles.b]\nextends = "main"\npool_size = 4\n')
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["pool_size"]\n')

    settings = project.load()

    assert (settings.profiles["main"].pool_size, settings.profiles["b"].pool_size) == (5, 4)


@pytest.mark.parametrize("key", ["extends", "abstract"])
def test_unset_takes_back_the_keys_of_inheritance(project: Sandbox, key: str) -> None:
    value = '"base"' if key == "extends" else "true"
    project.write("myfy.toml", "[data.profiles.base]\nabstract = true\npool_size = 9\n" + MAIN + f"{key} = {value}\n")
    project.write("config/local.toml", f'[data.profiles.main]\nunset = ["{key}"]\n')

    assert project.load().profiles["main"].pool_size == 5


def test_unset_of_a_name_that_no_lower_layer_has_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "pool_recycle = 60\n")
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["pool_recicle"]\n')

    assert only_problem() == (
        "config/local.toml:2:1: profiles.main.unset: no lower layer sets 'pool_recicle'. Did you mean 'pool_recycle'?\n"
        '  fix: unset = ["pool_recycle"]'
    )


def test_unset_of_a_name_that_resembles_nothing_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["echo"]\n')

    assert only_problem().endswith("no lower layer sets 'echo'\n  fix: unset = []")


@pytest.mark.parametrize("value", ['"pool_size"', "5", "[1]", "{ a = 1 }"])
def test_unset_is_a_list_of_names(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", f"[data.profiles.main]\nunset = {value}\n")

    assert only_problem() == (
        'config/local.toml:2:1: profiles.main.unset: expected a list of key names\n  fix: unset = ["pool_recycle"]'
    )


def test_unset_works_by_argument(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "pool_recycle = 60\n")

    assert project.load(overrides={"unset": ["pool_recycle"]}).profile().pool_recycle == 3600


def test_unset_itself_is_nothing_that_a_lower_layer_sets(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        "[data.profiles.base]\nabstract = true\npool_size = 9\n" + MAIN + 'extends = "base"\nunset = ["pool_size"]\n',
    )
    project.write("config/local.toml", '[data.profiles.main]\nunset = ["unset"]\n')

    assert "no lower layer sets 'unset'" in only_problem()
