"""The default profile (contract C2)."""

from __future__ import annotations

import pytest

from myfy_data.errors import ConfigError, UnknownProfileError
from tests.loading import MAIN, TWO, only_problem
from tests.sandbox import Sandbox


def test_the_default_profile_is_the_one_named_by_default(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "b"\n' + TWO)

    assert str(project.load().profile().database_url) == "sqlite:///b.db"


def test_the_default_profile_is_else_the_one_called_default(project: Sandbox) -> None:
    project.write("myfy.toml", TWO + '[data.profiles.default]\ndatabase_url = "sqlite:///d.db"\n')

    assert project.load().default == "default"


def test_the_default_profile_is_else_the_only_one_that_is_not_abstract(project: Sandbox) -> None:
    project.write("myfy.toml", "[data.profiles.base]\nabstract = true\n" + MAIN)

    assert project.load().default == "main"


def test_the_default_profile_is_else_none_and_loading_works(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)

    settings = project.load()

    assert settings.default is None
    assert settings.profile("a").has_address


def test_the_default_profile_is_missed_by_unnamed_use_with_a_fix(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    settings = project.load()

    with pytest.raises(ConfigError) as caught:
        settings.profile()

    assert str(caught.value).endswith('fix: default = "a"')


def test_the_default_profile_is_missed_by_flat_keys_with_a_fix(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npool_size = 5\n" + TWO)

    told = only_problem()

    assert told.startswith("myfy.toml:2:1: pool_size: flat keys mean the default profile, but none is the default")
    assert told.endswith('fix: default = "a"')


def test_the_default_profile_is_missed_by_a_flat_variable_with_a_fix(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)

    assert only_problem(environ={"MYFY_DATA_ECHO": "1"}).endswith("fix: MYFY_DATA_DEFAULT=a")


def test_the_default_profile_is_sqlite_called_default_when_nothing_is_declared(project: Sandbox) -> None:
    settings = project.load()

    assert settings.default == "default"
    assert str(settings.profile().url) == f"sqlite+aiosqlite:///{project.path}/myfy.db"


def test_the_default_profile_may_be_named_in_a_higher_layer(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "a"\n' + TWO)
    project.write("config/local.toml", '[data]\ndefault = "b"\n')

    assert project.load().default == "b"
    assert project.load(environ={"MYFY_DATA_DEFAULT": "A"}).default == "a"


def test_the_default_profile_named_but_not_declared_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "mian"\n' + MAIN)

    with pytest.raises(UnknownProfileError) as caught:
        project.load()

    assert str(caught.value) == (
        "myfy.toml:2:1: default: profile 'mian' is not declared; declared: main. Did you mean 'main'?\n"
        '  fix: default = "main"'
    )


def test_the_default_profile_named_but_abstract_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "base"\n[data.profiles.base]\nabstract = true\n' + MAIN)

    assert only_problem() == (
        "myfy.toml:2:1: default: profile 'base' is abstract, so it cannot be the default\n  fix: default = \"main\""
    )


def test_the_default_profile_named_before_any_is_declared_is_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "main"\n')

    assert "profile 'main' is not declared; declared: none" in only_problem()


def test_the_default_profile_is_declared_by_flat_keys_that_say_which_database_it_is(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "main"\ndatabase_url = "sqlite:///m.db"\n')

    assert list(project.load().profiles) == ["main"]


@pytest.mark.parametrize("value", ["5", "true", '""', '" "'])
def test_the_default_profile_is_named_by_text(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", f"[data]\ndefault = {value}\n" + MAIN)

    assert only_problem().startswith("myfy.toml:2:1: default: ")


def test_the_default_profile_cannot_be_called_what_no_profile_is(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "The Main"\ndatabase_url = "sqlite:///m.db"\n')

    assert only_problem() == (
        "myfy.toml:2:1: default: no profile can be called 'The Main'\n  fix: default = \"default\""
    )
