"""Contract C3.6: empty text."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems, warnings
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    "key", ["pool_size", "echo", "tls", "application_name", "connect_args", "sqlite__journal_mode"]
)
def test_empty_text_is_ignored_with_a_note_for_tuning_keys(project: Sandbox, key: str) -> None:
    name = f"MYFY_DATA_{key.upper()}"

    told = warnings(environ={name: ""})

    assert told == [f"env {name}: {key.replace('__', '.')}: is empty and was ignored\n  fix: unset {name}"]


@pytest.mark.parametrize(
    "key", ["database_url", "driver", "host", "port", "username", "password", "password_file", "database", "query"]
)
def test_empty_text_is_an_error_for_identity_keys(project: Sandbox, key: str) -> None:
    name = f"MYFY_DATA_{key.upper()}"

    assert only_problem(environ={name: ""}) == (
        f"env {name}: {key}: is set but empty\n  fix: unset {name}, or give it a value"
    )


@pytest.mark.parametrize("key", ["DEFAULT", "SECRETS_DIR", "CONFIG"])
def test_empty_text_is_an_error_for_what_steers_the_load(project: Sandbox, key: str) -> None:
    assert any("is set but empty" in told for told in problems(environ={f"MYFY_DATA_{key}": " "}))


def test_empty_text_of_blanks_is_a_password_all_the_same(project: Sandbox) -> None:
    password = project.load(environ={"MYFY_DATA_PASSWORD": "  "}).profile().password

    assert password is not None
    assert password.reveal() == "  "


def test_empty_text_lets_the_lower_layer_show(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "pool_size = 9\n")

    assert project.load(environ={"MYFY_DATA_POOL_SIZE": ""}).profile().pool_size == 9
