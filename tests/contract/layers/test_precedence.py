"""Contract C3.2: which layer wins, and that none is skipped in silence."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from myfy_data.layers.layer import LayerStatus
from tests.loading import report
from tests.sandbox import Sandbox

LAYERS = (
    "default",
    "myfy",
    "environment overlay",
    "local overlay",
    "secrets_dir",
    ".env",
    "process",
    "argument",
    "--set",
)


def in_file(name: str) -> Callable[[Sandbox, str, int, dict[str, Any]], None]:
    def write(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
        base = {"database_url": "sqlite://", "secrets_dir": "secrets"} if name == "myfy" else {}
        said = {**base, "pool_size": value}
        lines = [f"{key} = {text!r}" if suffix == ".toml" else f"  {key}: {text!r}" for key, text in said.items()]
        project.write(name + suffix, "\n".join(["[data]" if suffix == ".toml" else "data:", *lines]) + "\n")

    return write


def in_secrets(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
    project.write("secrets/pool_size", f"{value}\n")


def in_dotenv(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
    project.write(".env", f"MYFY_DATA_POOL_SIZE={value}\n")


def in_process(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
    request["environ"] = {"MYFY_DATA_POOL_SIZE": str(value)}


def in_overrides(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
    request["overrides"] = {"pool_size": value}


def in_sets(project: Sandbox, suffix: str, value: int, request: dict[str, Any]) -> None:
    request["sets"] = [f"pool_size={value}"]


SAY = {
    "myfy": in_file("myfy"),
    "environment overlay": in_file("config/development"),
    "local overlay": in_file("config/local"),
    "secrets_dir": in_secrets,
    ".env": in_dotenv,
    "process": in_process,
    "argument": in_overrides,
    "--set": in_sets,
}
PAIRS = [*itertools.pairwise(LAYERS[:-1]), (".env", "--set")]


@pytest.mark.parametrize("suffix", [".toml", ".yaml"])
@pytest.mark.parametrize(("lower", "upper"), PAIRS)
def test_of_two_neighbours_the_upper_one_wins(project: Sandbox, suffix: str, lower: str, upper: str) -> None:
    request: dict[str, Any] = {"environ": {}}
    (project.path / "secrets").mkdir()
    in_file("myfy")(project, suffix, 11, request)
    if lower != "default":
        SAY[lower](project, suffix, 12, request)
    SAY[upper](project, suffix, 13, request)

    settings = report(**request).settings

    assert settings is not None
    assert settings.profile().pool_size == 13


@pytest.mark.parametrize("suffix", [".toml", ".yaml"])
def test_of_all_layers_the_highest_wins(project: Sandbox, suffix: str) -> None:
    request: dict[str, Any] = {"environ": {}}
    for value, layer in enumerate(LAYERS[1:-1], start=11):
        SAY[layer](project, suffix, value, request)

    settings = report(**request).settings

    assert settings is not None
    rows = settings.explain("pool_size")
    assert [row.value for row in rows] == [17, 16, 15, 14, 13, 12, 11, 5]
    assert [row.wins for row in rows] == [True] + [False] * 7
    assert [str(row.origin) for row in rows] == [
        "argument",
        "env MYFY_DATA_POOL_SIZE",
        ".env:1:1",
        f"secret file {project.path}/secrets/pool_size",
        f"config/local{suffix}:2:{1 if suffix == '.toml' else 3}",
        f"config/development{suffix}:2:{1 if suffix == '.toml' else 3}",
        f"myfy{suffix}:4:{1 if suffix == '.toml' else 3}",
        "default",
    ]


def test_the_same_key_by_override_and_by_set_is_said_twice(project: Sandbox) -> None:
    found = report(overrides={"pool_size": 1}, sets=["pool_size=2"])

    assert "argument: pool_size: is set twice" in str(found.problems[0])


def everything(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nsecrets_dir = "secrets"\ndatabase_url = "sqlite://"\n')
    project.write("config/test.toml", "[data]\nmax_overflow = 3\n")
    project.write("config/local.toml", "[data]\nwrong = 1\n")
    project.write("secrets/pool_timeout", "4\n")
    project.write(".env", "MYFY_DATA_WRONG=1\nX=2\n")


def test_environment_test_reads_neither_local_nor_dotenv(project: Sandbox) -> None:
    everything(project)

    profile = project.load(environment="test").profile()

    assert (profile.max_overflow, profile.pool_timeout) == (3, 4.0)


def test_environment_test_tells_what_it_does_not_read(project: Sandbox) -> None:
    everything(project)

    states = {status.name: status for status in project.load(environment="test").layers}

    reason = "the environment is test"
    assert states["config/local.toml"] == LayerStatus("config/local.toml", "not read", reason)
    assert states[".env"] == LayerStatus(".env", "not read", reason)


@pytest.mark.parametrize("said_in", ["argument", "process", "base"])
def test_environment_test_gives_references_nothing_from_dotenv(project: Sandbox, said_in: str) -> None:
    base = 'environment = "test"\n' if said_in == "base" else ""
    project.write("myfy.toml", f'[data]\n{base}database_url = "sqlite://"\napplication_name = "${{NAME:-unknown}}"\n')
    project.write(".env", "NAME=local\n")
    environ = {"MYFY_DATA_ENVIRONMENT": "test"} if said_in == "process" else {}

    settings = project.load(environ=environ, environment="test" if said_in == "argument" else None)

    assert settings.profile().application_name == "unknown"


def test_environment_test_of_the_base_file_does_not_even_judge_dotenv(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nenvironment = "test"\ndatabase_url = "sqlite://"\n')
    project.write(".env", "MYFY_DATA_POOL_SIZE='unclosed\n")

    assert project.load().environment == "test"


def test_every_layer_is_listed_in_order_with_its_state(project: Sandbox) -> None:
    project.write("myfy.yaml", "data: {database_url: 'sqlite://'}\n")
    project.write("config/staging.toml", "")

    layers = project.load(environment="staging", environ={"MYFY_DATA_ECHO": "1"}).layers

    assert [(status.name, status.state) for status in layers] == [
        ("defaults", "found"),
        ("myfy.yaml", "found"),
        ("config/staging.toml", "found"),
        ("config/local.toml", "absent"),
        ("secrets_dir", "absent"),
        (".env", "absent"),
        ("environment", "found"),
        ("argument", "found"),
    ]


def test_every_layer_is_listed_when_there_is_no_file(project: Sandbox) -> None:
    layers = project.load(environ={}).layers

    assert [(status.name, status.state) for status in layers] == [
        ("defaults", "found"),
        ("myfy.toml", "absent"),
        ("config/development.toml", "absent"),
        ("config/local.toml", "absent"),
        ("secrets_dir", "absent"),
        (".env", "absent"),
        ("environment", "absent"),
        ("argument", "absent"),
    ]


def test_overlays_and_dotenv_stand_beside_the_base_file(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite://"\n')
    project.write("config/local.toml", "[data]\npool_size = 2\n")
    project.write(".env", "MYFY_DATA_MAX_OVERFLOW=3\n")
    project.write("sub/config/local.toml", "[data]\npool_size = 8\n")
    project.write("sub/.env", "MYFY_DATA_MAX_OVERFLOW=9\n")

    profile = project.load(start=project.path / "sub").profile()

    assert (profile.pool_size, profile.max_overflow) == (2, 3)


def test_dotenv_stands_in_the_working_directory_when_there_is_no_file(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_POOL_SIZE=9\n")
    project.write("sub/.env", "MYFY_DATA_POOL_SIZE=3\n")

    assert project.load(start=project.path / "sub").profile().pool_size == 3
