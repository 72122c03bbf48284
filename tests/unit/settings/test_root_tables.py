"""Tables beside `profiles`: the same rules as a profile's keys, in every layer (contract C2, C3.6, C3.10, C11.7)."""

from __future__ import annotations

import pytest

from myfy_data import ConfigError, DataSettings, load_settings
from tests.sandbox import Sandbox

FILE = """
[data]
database_url = "sqlite://"

[data.capacity]
instances = 6
surge = "${SURGE:-0.25}"
"""


def refused(**arguments: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(**arguments)  # type: ignore[arg-type]  # whatever the test gives
    return str(caught.value)


def test_a_table_beside_the_profiles_is_read_from_a_file(project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    capacity = load_settings(environ={"SURGE": "0.5"}).capacity

    assert (capacity.instances, capacity.workers, capacity.surge) == (6, 1, 0.5)


def test_layers_fill_it_together_and_each_value_knows_its_own(project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    settings = load_settings(environ={"MYFY_DATA_CAPACITY__WORKERS": "4"}, overrides={"capacity.instances": 7})

    assert (settings.capacity.instances, settings.capacity.workers) == (7, 4)
    assert str(settings.origin("capacity.instances")) == "argument"
    assert str(settings.origin("capacity.workers")) == "env MYFY_DATA_CAPACITY__WORKERS"
    assert str(settings.origin("capacity.surge")) == "myfy.toml:6:1"
    assert [str(said.origin) for said in settings.explain("capacity.instances")] == [
        "argument",
        "myfy.toml:5:1",
        "default",
    ]


def test_the_platform_says_the_workers_unless_a_layer_does(project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    settings = load_settings(environ={"WEB_CONCURRENCY": "8"})
    assert (settings.capacity.workers, str(settings.origin("capacity.workers"))) == (8, "env WEB_CONCURRENCY")

    said = {"WEB_CONCURRENCY": "8", "MYFY_DATA_CAPACITY__WORKERS": "4"}
    assert load_settings(environ=said).capacity.workers == 4


@pytest.mark.parametrize("said", ["zero", "0", "-1", "²"])
def test_what_is_no_number_of_workers_is_told_and_ignored(project: Sandbox, said: str) -> None:
    project.write("myfy.toml", FILE)
    settings = load_settings(environ={"WEB_CONCURRENCY": said})

    assert settings.capacity.workers == 1
    assert [str(warning.place) for warning in settings.warnings] == ["env WEB_CONCURRENCY"]


@pytest.mark.parametrize(
    ("line", "told", "fix"),
    [
        ("instanses = 6", "myfy.toml:4:1: capacity.instanses: no such setting. Did you mean 'instances'?", "instances"),
        ('instances = "6"', "myfy.toml:4:1: capacity.instances: expected a whole number, got '6'", "instances = 6"),
        ("instances = true", "capacity.instances: expected a whole number, got true", "instances = 1"),
        ("surge = -0.5", "capacity.surge: expected 0.0 or more, got -0.5", "surge = 0.0"),
        ('surge = "${MISSING}"', "myfy.toml:4:1: capacity.surge: ", "MISSING"),
    ],
)
def test_a_wrong_value_is_told_at_its_place(project: Sandbox, line: str, told: str, fix: str) -> None:
    project.write("myfy.toml", f'[data]\ndatabase_url = "sqlite://"\n[data.capacity]\n{line}\n')
    message = refused()

    assert told in message
    assert fix in message.partition("fix:")[2]


@pytest.mark.parametrize("said", ["capacity = 5", "capacity = [1]", 'capacity = "5"'])
def test_a_single_value_in_place_of_the_table_is_refused(project: Sandbox, said: str) -> None:
    project.write("myfy.toml", f'[data]\n{said}\ndatabase_url = "sqlite://"\n')

    assert "myfy.toml:2:1: capacity: expected a table\n  fix: write [data.capacity]" in refused()


@pytest.mark.parametrize(
    "name", ["MYFY_DATA_CAPACITY_INSTANCES", "MYFY_DATA_CAPACITY__INSTANCE", "MYFY_DATA_CAPACITY__INSTANCE_S"]
)
def test_a_misspelt_variable_leads_to_the_right_one(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", FILE)

    assert "MYFY_DATA_CAPACITY__INSTANCES" in refused(environ={name: "3"})


def test_the_whole_table_may_come_as_json(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite://"\n')
    settings = load_settings(environ={"MYFY_DATA_CAPACITY": '{"instances": 3}'})

    assert settings.capacity.instances == 3
    assert "expected a table" in refused(environ={"MYFY_DATA_CAPACITY": "3"})


def test_an_empty_variable_is_ignored_with_a_note(project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    settings = load_settings(environ={"MYFY_DATA_CAPACITY__INSTANCES": ""})

    assert settings.capacity.instances == 6
    assert len(settings.warnings) == 1


def test_no_profile_has_such_a_table(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "sqlite://"\ncapacity = {instances = 2}\n')

    assert "profiles.main.capacity: no such setting" in refused()


def test_settings_that_code_makes_take_it_too() -> None:
    settings = DataSettings(capacity={"instances": 3})  # type: ignore[arg-type]  # as a mapping

    assert (settings.capacity.instances, settings.capacity.workers) == (3, 1)
    assert str(settings.origin("capacity.instances")) == "argument"
    assert str(settings.origin("capacity.workers")) == "default"
