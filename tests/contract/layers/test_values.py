"""Contract C3.6: values are read by the target type, never guessed."""

from __future__ import annotations

import pytest

from tests.loading import only_problem
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("pool_size", "7", 7),
        ("pool_size", " +7 ", 7),
        ("max_overflow", "-1", -1),
        ("pool_timeout", "2.5", 2.5),
        ("pool_timeout", "3", 3.0),
        ("pool_timeout", "1e1", 10.0),
        *[("echo", text, True) for text in ("true", "TRUE", "1", "yes", "on", " On ")],
        *[("warm_up", text, False) for text in ("false", "0", "No", "off")],
        ("application_name", " a ${X} b\n", "a ${X} b"),
        ("application_name", "5", "5"),
        ("application_name", "null", "null"),
        ("required", "true", True),
        ("tls", "require", "require"),
    ],
)
def test_values_are_read_by_the_target_type(project: Sandbox, key: str, text: str, value: object) -> None:
    assert getattr(project.load(environ={f"MYFY_DATA_{key.upper()}": text}).profile(), key) == value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("host", "db.internal\n", "db.internal"),
        ("username", " app ", "app"),
        ("database", "shop\r\n", "shop"),
        ("password", "pass word \n", "pass word "),
    ],
)
@pytest.mark.parametrize("source", ["a variable", "a reference", "a secret file"])
def test_text_around_an_identity_is_no_part_of_it(
    project: Sandbox, key: str, text: str, value: str, source: str
) -> None:
    """A mount, an env file and PowerShell leave a newline behind a value (contract C3.6, C3.8)."""
    said = f'{key} = "${{TEXT}}"\n' if source == "a reference" else ""
    project.write("myfy.toml", f'[data]\nsecrets_dir = "secrets"\n[data.profiles.main]\ndriver = "postgresql"\n{said}')
    if source == "a secret file":
        project.write(f"secrets/{key}", text)
    else:
        (project.path / "secrets").mkdir()
    environ = {"a variable": {f"MYFY_DATA_{key.upper()}": text}, "a reference": {"TEXT": text}}.get(source, {})

    url = project.load(environ=environ).profile().url

    found = url.password.reveal() if key == "password" and url.password else getattr(url, key)
    assert found == value


@pytest.mark.parametrize(
    ("key", "text", "told", "fix"),
    [
        ("pool_size", "lots", "expected a whole number, got 'lots'", "MYFY_DATA_POOL_SIZE=5"),
        ("pool_size", "5.0", "expected a whole number, got '5.0'", "MYFY_DATA_POOL_SIZE=5"),
        ("pool_size", "1_000", "expected a whole number, got '1_000'", "MYFY_DATA_POOL_SIZE=5"),
        ("pool_size", "٣", "expected a whole number, got '٣'", "MYFY_DATA_POOL_SIZE=5"),
        ("pool_timeout", "nan", "expected a number, got 'nan'", "MYFY_DATA_POOL_TIMEOUT=30"),
        ("pool_timeout", "1e999", "expected a number, got '1e999'", "MYFY_DATA_POOL_TIMEOUT=30"),
        ("pool_timeout", "0x10", "expected a number, got '0x10'", "MYFY_DATA_POOL_TIMEOUT=30"),
        ("echo", "maybe", "expected true or false, got 'maybe'", "MYFY_DATA_ECHO=true"),
        ("connect_args", "[1]", "expected a JSON object, got ***", """MYFY_DATA_CONNECT_ARGS='{"name": "value"}'"""),
        ("sqlite", "5", "expected a table, got ***", "MYFY_DATA_SQLITE='{}'"),
        ("pool_size", "0", "expected 1 or more, got 0", "MYFY_DATA_POOL_SIZE=1"),
        ("tls", "on", "expected one of 'disable', 'prefer', 'require'", "MYFY_DATA_TLS=verify-full"),
    ],
)
def test_values_that_cannot_be_read_are_errors(project: Sandbox, key: str, text: str, told: str, fix: str) -> None:
    problem = only_problem(environ={f"MYFY_DATA_{key.upper()}": text})

    assert told in problem
    assert problem.endswith(f"fix: {fix}")


def test_values_that_are_long_are_cut(project: Sandbox) -> None:
    assert len(only_problem(environ={"MYFY_DATA_POOL_SIZE": "9" * 100_000})) < 300


def test_values_that_hold_a_url_in_the_wrong_place_are_masked(project: Sandbox) -> None:
    assert "c4nary" not in only_problem(environ={"MYFY_DATA_POOL_SIZE": "postgresql://app:c4nary@db/x"})


@pytest.mark.parametrize("depth", [65, 100_000])
def test_values_of_json_have_at_most_64_levels(project: Sandbox, depth: int) -> None:
    text = '{"a":' * depth + "1" + "}" * depth

    assert "expected a JSON object" in only_problem(environ={"MYFY_DATA_CONNECT_ARGS": text})
