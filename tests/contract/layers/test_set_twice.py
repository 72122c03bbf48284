"""Contract C3.6: two spellings of one key in one layer."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ("MYFY_DATA_POOL_SIZE", "myfy_data_pool_size", "pool_size"),
        ("MYFY_DATA_MAIN_DATABASE_URL", "MYFY_DATA_PROFILES__MAIN__DATABASE_URL", "profiles.main.database_url"),
        ("MYFY_DATA_PROFILES__MAIN__ECHO", "MYFY_DATA_PROFILES__main__ECHO", "profiles.main.echo"),
    ],
)
def test_set_twice_are_two_spellings_of_one_key(project: Sandbox, first: str, second: str, key: str) -> None:
    project.write("myfy.toml", MAIN)

    told = only_problem(environ=dict.fromkeys((first, second), "sqlite://" if "URL" in first else "1"))

    assert told == f"env {second}: {key}: is set twice\n    also by env {first}\n  fix: unset {second}"


@pytest.mark.parametrize("value", ['{"a": 1}', '{"a": {"b": 1}}'])
def test_set_twice_is_a_key_in_json_and_by_name(project: Sandbox, value: str) -> None:
    environ = {"MYFY_DATA_CONNECT_ARGS": value, "MYFY_DATA_CONNECT_ARGS__A": "2"}

    told = only_problem(environ=environ)

    assert "connect_args.a: is set twice\n    also by env MYFY_DATA_CONNECT_ARGS\n" in told


def test_set_twice_is_not_a_key_in_two_layers(project: Sandbox) -> None:
    project.write(".env", "myfy_data_pool_size=1\n")

    assert project.load(environ={"MYFY_DATA_POOL_SIZE": "2"}).profile().pool_size == 2


def test_set_twice_is_a_key_on_two_lines_of_dotenv(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_POOL_SIZE=1\nMYFY_DATA_POOL_SIZE=2\n")

    assert only_problem() == ".env:2:1: pool_size: is set twice\n    also by .env:1:1\n  fix: delete this line"


def test_set_twice_is_a_key_twice_in_one_json_object(project: Sandbox) -> None:
    told = only_problem(environ={"MYFY_DATA_CONNECT_ARGS": '{"a": 1, "a": 2}'})

    assert "expected a JSON object that says each key once, got ***" in told
