"""Contract C3.4: how layers merge, and how a layer takes something back."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox

TABLES = MAIN + "connect_args = { timeout = 5, server_settings = { jit = 'off', a = '1' }, hosts = ['a', 'b'] }\n"


def test_tables_merge_key_by_key_at_any_depth(project: Sandbox) -> None:
    project.write("myfy.toml", TABLES)
    project.write("config/local.toml", "[data.profiles.main.connect_args.server_settings]\na = '2'\nb = '3'\n")

    connect_args = project.load().profile().connect_args

    assert connect_args == {"timeout": 5, "server_settings": {"jit": "off", "a": "2", "b": "3"}, "hosts": ["a", "b"]}


def test_arrays_replace(project: Sandbox) -> None:
    project.write("myfy.toml", TABLES)
    project.write("config/local.toml", "[data.profiles.main.connect_args]\nhosts = ['c']\n")

    assert project.load().profile().connect_args["hosts"] == ["c"]


def test_an_empty_table_takes_nothing_away(project: Sandbox) -> None:
    project.write("myfy.toml", TABLES)
    project.write("config/local.toml", "[data.profiles.main.connect_args]\n")

    settings = project.load()

    assert settings.profile().connect_args["timeout"] == 5
    assert str(settings.origin("connect_args.timeout")) == "myfy.toml:3:18"


def test_an_empty_table_alone_has_an_origin(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "[data.profiles.main.connect_args]\n")

    assert str(project.load().origin("connect_args")) == "myfy.toml:3:21"


@pytest.mark.parametrize(("lower", "upper"), [("{ a = 1 }", "5"), ("5", "{ a = 1 }"), ("[1]", "{ a = 1 }")])
def test_a_table_over_a_single_value_and_the_reverse_are_errors_with_both_places(
    project: Sandbox, lower: str, upper: str
) -> None:
    project.write("myfy.toml", MAIN + f"connect_args = {{ x = {lower} }}\n")
    project.write("config/local.toml", f"[data.profiles.main]\nconnect_args = {{ x = {upper} }}\n")

    assert only_problem() == (
        "config/local.toml:2:18: profiles.main.connect_args.x: a table and a single value cannot be merged,"
        " and a lower layer has the other\n"
        "    other at myfy.toml:3:18\n"
        '  fix: put below the line [data.profiles.main]: unset = ["connect_args.x"]'
    )


def test_a_clash_is_mended_by_unset(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "connect_args = { x = 5 }\n")
    project.write(
        "config/local.toml", '[data.profiles.main]\nunset = ["connect_args.x"]\nconnect_args = { x = { a = 1 } }\n'
    )

    assert project.load().profile().connect_args == {"x": {"a": 1}}


def test_a_clash_with_a_variable_can_only_be_unset(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "connect_args = { x = { a = 1 } }\n")

    told = only_problem(environ={"MYFY_DATA_CONNECT_ARGS__X": "5"})

    assert "env MYFY_DATA_CONNECT_ARGS__X: profiles.main.connect_args.x: a table and a single value" in told
    assert "other at myfy.toml:3:18" in told
    assert told.endswith("fix: unset MYFY_DATA_CONNECT_ARGS__X")


def test_a_clash_with_a_parent_names_the_parents_place(project: Sandbox) -> None:
    project.write(
        "myfy.toml", MAIN + 'connect_args = { x = 5 }\n[data.profiles.b]\nextends = "main"\nconnect_args = { x = {} }\n'
    )

    assert "other at myfy.toml:3:18" in problems()[0]


@pytest.mark.parametrize("value", ["null", "~", ""])
def test_a_yaml_null_or_empty_value_is_an_error(project: Sandbox, value: str) -> None:
    project.write("myfy.yaml", f"data:\n  database_url: sqlite://\n  application_name: {value}\n")

    told = only_problem()

    assert told.startswith("myfy.yaml:3:3: application_name: has no value")
    assert "for empty text write application_name: ''" in told
    assert "fix: unset: [application_name]" in told
