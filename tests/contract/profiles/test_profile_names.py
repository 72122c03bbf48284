"""What a profile may be called (contract C2)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox


@pytest.mark.parametrize("name", ["a", "main", "read-replica", "read_replica", "shard-01", "a1-b2_c3", "a" * 63])
def test_profile_names_may_be(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", f'[data.profiles.{name}]\ndatabase_url = "sqlite://"\n')

    assert list(project.load().profiles) == [name]


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Main", "main"),
        ("1st", "st"),
        ("a--b", "a-b"),
        ("a__b", "a-b"),
        ('"a.b"', "a-b"),
        ("-a", "a"),
        ('"ä"', "main"),
        ("a" * 64, "a" * 63),
    ],
)
def test_profile_names_may_not_be(project: Sandbox, name: str, better: str) -> None:
    project.write("myfy.toml", f'[data.profiles.{name}]\ndatabase_url = "sqlite://"\n')

    told = only_problem()

    assert "a profile's name has lower-case letters, digits, '-' and '_', at most 63" in told
    assert told.endswith(f"fix: rename it to {better}")


@pytest.mark.parametrize("value", ["5", '"x"', "[1]"])
def test_profile_names_stand_before_tables(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", f"[data.profiles]\nmain = {value}\n")

    assert only_problem().startswith("myfy.toml:2:1: profiles.main: expected a table")


def test_profile_names_that_share_a_variable_name_collide(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN.replace("main]", "read-replica]") + MAIN.replace("main]", "read_replica]"))

    assert only_problem() == (
        "myfy.toml:3:16: profiles 'read-replica' and 'read_replica' share the variable name READ_REPLICA\n"
        "    other at myfy.toml:1:16\n"
        "  fix: rename it to read-replica-2"
    )


def test_profile_names_that_share_a_variable_name_collide_across_layers(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN.replace("main]", "read-replica]"))
    project.write("config/local.toml", "[data.profiles.read_replica]\npool_size = 1\n")

    assert any("config/local.toml:1:16: profiles 'read-replica' and" in told for told in problems())
