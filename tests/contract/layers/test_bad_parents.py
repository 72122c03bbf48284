"""Contract C2: what no profile can extend."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox

BASE = (
    '[data.profiles.base]\nabstract = true\npool_size = 9\ndriver = "postgresql"\nhost = "base"\npassword = "p"\n'
    "connect_args = { a = 1, b = 2 }\n"
)
HEIR = '[data.profiles.heir]\nextends = "base"\n'


def test_what_cannot_be_extended_is_an_unknown_profile(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR.replace('"base"', '"bsae"'))

    assert only_problem() == (
        "myfy.toml:9:1: profiles.heir.extends: profile 'bsae' is not declared; declared: base. Did you mean 'base'?\n"
        '  fix: extends = "base"'
    )


def test_what_cannot_be_extended_is_one_that_resembles_nothing(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'extends = "warehouse"\n')

    assert only_problem().endswith("profile 'warehouse' is not declared; declared: none\n  fix: delete this line")


def test_what_cannot_be_extended_is_the_profile_itself(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'extends = "main"\n')

    assert "profiles extend each other in a circle: main -> main" in only_problem()


def test_what_cannot_be_extended_is_a_circle_told_once_with_its_places(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        '[data.profiles.a]\nextends = "b"\n[data.profiles.b]\nextends = "c"\n[data.profiles.c]\nextends = "a"\n',
    )

    assert only_problem() == (
        "myfy.toml:6:1: profiles.c.extends: profiles extend each other in a circle: a -> b -> c -> a\n"
        "    a extends b at myfy.toml:2:1\n"
        "    b extends c at myfy.toml:4:1\n"
        "    c extends a at myfy.toml:6:1\n"
        "  fix: delete this line"
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_what_cannot_be_extended_is_a_chain_of_more_than_sixteen(project: Sandbox, reverse: bool) -> None:
    def table(number: int) -> str:
        return f'[data.profiles.p{number}]\nextends = "p{number - 1}"\n' if number else MAIN.replace("main]", "p0]")

    numbers = list(range(16))
    project.write("myfy.toml", "".join(table(number) for number in (numbers[::-1] if reverse else numbers)))
    assert problems() == []

    numbers = list(range(17))
    project.write("myfy.toml", "".join(table(number) for number in (numbers[::-1] if reverse else numbers)))
    assert "more than 16 profiles extend each other" in problems()[0]


@pytest.mark.parametrize("value", ["5", "true", '["a"]', '"${PARENT}"'])
def test_what_cannot_be_extended_is_anything_but_a_name(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", MAIN + f"extends = {value}\n")

    assert "profiles.main.extends: expected the name of one profile, written out\n" in problems()[0]


@pytest.mark.parametrize("value", ["5", '"true"', '["a"]'])
def test_what_cannot_be_extended_does_not_make_abstract_anything_but_true_or_false(
    project: Sandbox, value: str
) -> None:
    project.write("myfy.toml", MAIN + f"abstract = {value}\n")

    assert any("profiles.main.abstract: expected true or false" in told for told in problems())
