"""Contract C3.6: which setting a variable means."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

REPLICA = MAIN + '[data.profiles.read-replica]\ndatabase_url = "sqlite://"\n[data]\ndefault = "main"\n'


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("MYFY_DATA_POOL_SIZE", "profiles.main.pool_size"),
        ("myfy_data_pool_size", "profiles.main.pool_size"),
        ("Myfy_Data_Profiles__Main__Pool_Size", "profiles.main.pool_size"),
        ("MYFY_DATA_PROFILES__READ_REPLICA__POOL_SIZE", "profiles.read-replica.pool_size"),
    ],
)
def test_a_name_fits_the_declared_profile_and_key(project: Sandbox, name: str, key: str) -> None:
    project.write("myfy.toml", REPLICA)

    settings = project.load(environ={name: "7"})

    assert settings.profile(key.split(".")[1]).pool_size == 7
    assert settings.origin(key).variable == name


def test_a_url_has_a_short_name_for_a_declared_profile(project: Sandbox) -> None:
    project.write("myfy.toml", REPLICA)

    settings = project.load(environ={"MYFY_DATA_READ_REPLICA_DATABASE_URL": "sqlite:///r.db"})

    assert settings.profiles["read-replica"].url.database == f"{project.path}/r.db"


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("SQLITE__JOURNAL_MODE", "off", "journal_mode", "off"),
        ("PROFILES__MAIN__SQLITE__BUSY_TIMEOUT", "2", "busy_timeout", 2.0),
    ],
)
def test_a_table_of_ours_is_reached_by_two_underscores(
    project: Sandbox, name: str, value: str, path: str, expected: object
) -> None:
    project.write("myfy.toml", MAIN)

    assert getattr(project.load(environ={f"MYFY_DATA_{name}": value}).profile().sqlite, path) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CONNECT_ARGS": '{"timeout": 5, "deep": {"a": [1]}}'}, {"timeout": 5, "deep": {"a": [1]}}),
        ({"CONNECT_ARGS__TIMEOUT": "5"}, {"timeout": 5}),
        ({"CONNECT_ARGS__DEEP__A": '"x"'}, {"deep": {"a": "x"}}),
        ({"CONNECT_ARGS": '{"a": 1}', "CONNECT_ARGS__B": "2"}, {"a": 1, "b": 2}),
    ],
)
def test_a_free_table_comes_as_json(project: Sandbox, environ: dict[str, str], expected: object) -> None:
    settings = project.load(environ={f"MYFY_DATA_{name}": value for name, value in environ.items()})

    assert settings.profile().connect_args == expected


def test_json_is_merged_over_lower_layers(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "connect_args = { a = 1, b = 2 }\n")

    settings = project.load(environ={"MYFY_DATA_CONNECT_ARGS": '{"b": 3}'})

    assert settings.profile().connect_args == {"a": 1, "b": 3}
    assert str(settings.origin("connect_args.b")) == "env MYFY_DATA_CONNECT_ARGS"


def test_a_key_inside_json_of_a_table_of_ours_must_be_known(project: Sandbox) -> None:
    assert only_problem(environ={"MYFY_DATA_SQLITE": '{"jornal_mode": "off"}'}) == (
        "env MYFY_DATA_SQLITE: sqlite.jornal_mode: no such setting. Did you mean 'journal_mode'?\n"
        "  fix: rename it to journal_mode"
    )
