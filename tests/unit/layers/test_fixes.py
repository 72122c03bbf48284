"""A fix is written as its source writes (contract C3.11)."""

from __future__ import annotations

from typing import Any

import pytest

from myfy_data.layers.fixes import assignment, beside, header, removal
from myfy_data.origins import Origin

PATH = ("profiles", "read-replica", "pool_size")
TOML = Origin("config/local.toml", 3, 1)
YAML = Origin("myfy.yml", 3, 1)
PROCESS = Origin("environment", variable="MYFY_DATA_POOL_SIZE")
DOTENV = Origin(".env", 2, 1, "MYFY_DATA_POOL_SIZE")
SECRET = Origin("secret file /run/my secrets/pool_size")
ARGUMENT = Origin("argument")


@pytest.mark.parametrize(
    ("origin", "value", "text"),
    [
        (TOML, 5, "pool_size = 5"),
        (TOML, True, "pool_size = true"),
        (TOML, 5.0, "pool_size = 5.0"),
        (TOML, 'a"b', 'pool_size = "a\\"b"'),
        (TOML, ["a", "b"], 'pool_size = ["a", "b"]'),
        (TOML, {}, "pool_size = {}"),
        (YAML, "x", 'pool_size: "x"'),
        (YAML, 5, "pool_size: 5"),
        (PROCESS, 5, "MYFY_DATA_POOL_SIZE=5"),
        (PROCESS, "a b", "MYFY_DATA_POOL_SIZE='a b'"),
        (DOTENV, True, "MYFY_DATA_POOL_SIZE=true"),
        (SECRET, 5, "echo 5 > '/run/my secrets/pool_size'"),
        (ARGUMENT, 5, "profiles.read-replica.pool_size=5"),
    ],
)
def test_an_assignment(origin: Origin, value: Any, text: str) -> None:
    assert assignment(origin, PATH, value) == text


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (TOML, "pool_size = 5"),
        (PROCESS, "MYFY_DATA_PROFILES__READ_REPLICA__POOL_SIZE=5"),
        (DOTENV, "MYFY_DATA_PROFILES__READ_REPLICA__POOL_SIZE=5"),
        (SECRET, "echo 5 > '/run/my secrets/MYFY_DATA_PROFILES__READ_REPLICA__POOL_SIZE'"),
    ],
)
def test_an_assignment_beside_another_key(origin: Origin, text: str) -> None:
    assert beside(origin, PATH, 5) == text


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (TOML, "delete this line"),
        (DOTENV, "delete this line"),
        (PROCESS, "unset MYFY_DATA_POOL_SIZE"),
        (SECRET, "rm '/run/my secrets/pool_size'"),
        (ARGUMENT, "leave this argument out"),
    ],
)
def test_a_removal(origin: Origin, text: str) -> None:
    assert removal(origin) == text


def test_a_header() -> None:
    assert header(TOML, "profiles", "main") == "[data.profiles.main]"
    assert header(YAML, "profiles", "main") == "main:"
    assert header(YAML) == "data:"
