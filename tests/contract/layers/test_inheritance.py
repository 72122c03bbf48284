"""Contract C2, C3.5: `extends` is one parent, merged as one more lower layer."""

from __future__ import annotations

import pytest

from myfy_data.errors import UnknownProfileError
from tests.loading import MAIN
from tests.sandbox import Sandbox

BASE = (
    '[data.profiles.base]\nabstract = true\npool_size = 9\ndriver = "postgresql"\nhost = "base"\npassword = "p"\n'
    "connect_args = { a = 1, b = 2 }\n"
)
HEIR = '[data.profiles.heir]\nextends = "base"\n'


def test_an_heir_has_what_its_parent_has(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + "connect_args = { b = 3 }\n")

    heir = project.load().profiles["heir"]

    assert (heir.pool_size, heir.url.host, heir.connect_args) == (9, "base", {"a": 1, "b": 3})


def test_a_url_of_the_heir_drops_the_parents_identity_and_no_tuning(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + 'database_url = "mysql://other/x"\n')

    heir = project.load().profiles["heir"]

    assert (heir.host, heir.password, heir.pool_size, heir.connect_args) == (None, None, 9, {"a": 1, "b": 2})


def test_parts_of_the_heir_refine_the_parents_identity(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + 'host = "heir"\n')

    heir = project.load().profiles["heir"]

    assert (heir.url.host, heir.password is not None) == ("heir", True)


def test_the_parent_is_merged_over_all_its_layers_first(project: Sandbox) -> None:
    """What any layer says for the parent reaches the heir, unless a layer says otherwise for the heir itself."""
    project.write("myfy.toml", BASE + HEIR + "pool_size = 3\n")

    settings = project.load(environ={"MYFY_DATA_PROFILES__BASE__POOL_SIZE": "7", "MYFY_DATA_PROFILES__BASE__ECHO": "1"})

    assert (settings.profiles["heir"].pool_size, settings.profiles["heir"].echo) == (3, True)


def test_a_template_is_not_among_the_profiles(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR)
    settings = project.load()

    assert list(settings.profiles) == ["heir"]
    with pytest.raises(UnknownProfileError) as caught:
        settings.profile("base")
    assert "is abstract: a template that is never opened" in str(caught.value)


def test_being_abstract_is_not_inherited(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR)

    assert "heir" in project.load().profiles


def test_inheritance_goes_over_generations_and_files(project: Sandbox) -> None:
    project.write("myfy.toml", BASE)
    project.write("config/development.toml", '[data.profiles.middle]\nextends = "base"\nmax_overflow = 1\n')
    project.write("config/local.toml", '[data.profiles.leaf]\nextends = "middle"\necho = true\n')

    leaf = project.load().profiles["leaf"]

    assert (leaf.pool_size, leaf.max_overflow, leaf.echo) == (9, 1, True)


def test_the_highest_layer_says_who_the_parent_is(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + MAIN + HEIR)
    project.write("config/local.toml", '[data.profiles.heir]\nextends = "main"\n')

    assert project.load().profiles["heir"].url.host == "db.internal"
