"""`DataSettings` as a caller makes or holds it (contract C4)."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from myfy_data.errors import ConfigError, UnknownProfileError
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from tests.loading import MAIN, TWO
from tests.sandbox import Sandbox

C = "c4nary"
SQLITE = DatabaseSettings(database_url="sqlite://")


def test_the_constructor_reads_nothing(monkeypatch: pytest.MonkeyPatch, project: Sandbox) -> None:
    project.write("myfy.toml", "broken")
    for name in ("ENVIRONMENT", "DEFAULT", "PROFILES", "SECRETS_DIR", "MYFY_DATA_ENVIRONMENT"):
        monkeypatch.setenv(name, '{"x": "garbage"}')

    settings = DataSettings(profiles={"default": SQLITE})

    assert (settings.environment, settings.default, settings.secrets_dir) == ("development", None, None)
    assert settings.profile() is settings.profiles["default"]
    assert (settings.project_root, settings.warnings, settings.layers) == (None, (), ())


def test_profiles_may_be_given_as_plain_tables() -> None:
    settings = DataSettings(profiles={"main": {"database_url": "sqlite://"}})  # type: ignore[dict-item]  # what a user may write

    assert settings.profile().url.is_memory


@pytest.mark.parametrize(
    ("names", "default", "found"),
    [(["main"], None, "main"), (["a", "default"], None, "default"), (["a", "b"], "b", "b")],
)
def test_the_default_is_found_as_in_files(names: list[str], default: str | None, found: str) -> None:
    settings = DataSettings(profiles=dict.fromkeys(names, SQLITE), default=default)

    assert settings.resolve_name() == found


@pytest.mark.parametrize(("names", "default"), [([], None), (["a", "b"], None), (["a"], "x")])
def test_no_default_is_an_error_with_a_fix(names: list[str], default: str | None) -> None:
    settings = DataSettings(profiles=dict.fromkeys(names, SQLITE), default=default)

    with pytest.raises(ConfigError, match="fix: "):
        settings.profile()


@pytest.mark.parametrize(("asked", "fix"), [("analitics", "use 'analytics'"), ("x", "[data.profiles.x]")])
def test_an_unknown_profile_is_told_with_the_near_one(asked: str, fix: str) -> None:
    settings = DataSettings(profiles={"analytics": SQLITE})

    with pytest.raises(UnknownProfileError) as caught:
        settings.profile(asked)

    assert fix in str(caught.value)


def test_it_is_frozen(project: Sandbox) -> None:
    settings = project.load()

    with pytest.raises(ValidationError):
        settings.environment = "production"  # type: ignore[misc]  # what a user may write


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        DataSettings(profile={})  # type: ignore[call-arg]  # what a user may write


def test_it_prints_masked(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN.replace("app@", f"app:{C}@") + f'connect_args = {{ password = "{C}" }}\n')
    settings = project.load()

    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()} {vars(settings)!r}"

    assert C not in shown


@pytest.mark.parametrize("file", ["myfy.toml", "myfy.yaml"])
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_it_survives_copying_and_pickling_with_its_origins(project: Sandbox, file: str, twin: Any) -> None:
    yaml = "data:\n  default: a\n  profiles:\n    a: {database_url: 'sqlite:///a.db'}\n    b: {database_url: 'sqlite://'}\n"
    project.write(file, TWO + '[data]\ndefault = "a"\n' if file == "myfy.toml" else yaml)
    settings = project.load(environ={"MYFY_DATA_POOL_SIZE": "7"})

    again = twin(settings)

    assert again == settings
    assert str(again.origin("pool_size")) == "env MYFY_DATA_POOL_SIZE"
    assert again.origin("profiles.b.database_url") == settings.origin("profiles.b.database_url")
    assert again.layers == settings.layers


def test_profiles_are_resolved_and_not_abstract(project: Sandbox) -> None:
    project.write("myfy.toml", "[data.profiles.base]\nabstract = true\npool_size = 3\n" + MAIN + 'extends = "base"\n')

    settings = project.load()

    assert {name: profile.pool_size for name, profile in settings.profiles.items()} == {"main": 3}


def test_overrides_may_be_nested_or_dotted(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    settings = project.load(
        overrides={
            "default": "main",
            "pool_size": 1,
            "profiles.main.max_overflow": 2,
            "profiles": {"main": {"pool_timeout": 3.0, "connect_args": {"a.b": {"c.d": 1}}}},
            "sqlite.busy_timeout": 4.0,
            "profiles.extra": {"database_url": "sqlite://"},
        }
    )

    main = settings.profiles["main"]
    assert (main.pool_size, main.max_overflow, main.pool_timeout, main.sqlite.busy_timeout) == (1, 2, 3.0, 4.0)
    assert main.connect_args == {"a.b": {"c.d": 1}}
    assert str(settings.origin('profiles.main.connect_args."a.b"."c.d"')) == "argument"
    assert "extra" in settings.profiles


def test_overrides_are_typed(project: Sandbox) -> None:
    with pytest.raises(ConfigError, match="pool_size: expected a whole number, got '5'\n  fix: "):
        project.load(overrides={"pool_size": "5"})


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"poll_size": 1}, "argument: poll_size: no such setting. Did you mean 'pool_size'?"),
        ({"profiles": 5}, "argument: profiles: is no setting"),
        ({"profiles": {"main": 5}}, "argument: profiles.main: is no setting"),
        ({"profiles.Mine.pool_size": 5}, "argument: profiles.Mine: a profile's name has lower-case letters"),
        ({"default": 5}, "argument: default: expected text, got 5"),
        ({"profiles.main.echo": True, "profiles": {"main": {"echo": False}}}, "profiles.main.echo: is set twice"),
        ({"profiles.warehouse": {}}, "argument: profiles.warehouse: has neither database_url nor driver"),
        ({"pool_size": None}, "pool_size: expected a whole number, got None"),
    ],
)
def test_overrides_that_mean_nothing_are_errors(project: Sandbox, overrides: dict[str, Any], told: str) -> None:
    project.write("myfy.toml", MAIN)

    with pytest.raises(ConfigError) as caught:
        project.load(overrides=overrides)

    assert told in str(caught.value)


def test_an_override_of_none_covers_what_lower_layers_say(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')

    assert project.load(overrides={"password": None}).profile().password is None


def test_overrides_find_profiles_as_variables_do(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN.replace("main]", "read-replica]"))

    settings = project.load(
        overrides={"profiles.read_replica.pool_size": 1, "profiles": {"read-replica": {"echo": True}}}
    )

    replica = settings.profiles["read-replica"]
    assert (replica.pool_size, replica.echo) == (1, True)


def test_overrides_are_not_changed(project: Sandbox) -> None:
    overrides = {"profiles": {"main": {"database_url": "sqlite://", "connect_args": {"a": {"b": 1}}}}}
    before = copy.deepcopy(overrides)

    project.load(overrides=overrides)

    assert overrides == before


def test_overrides_may_hold_any_object_for_the_driver(project: Sandbox) -> None:
    marker = object()

    assert project.load(overrides={"connect_args": {"x": marker}}).profile().connect_args["x"] is marker


def test_a_mapping_stands_in_for_the_process_environment(project: Sandbox) -> None:
    project.setenv("MYFY_DATA_POOL_SIZE", "9")

    assert project.load(environ={}).profile().pool_size == 5
    assert project.load().profile().pool_size == 9


def test_a_path_may_say_where_to_start(project: Sandbox) -> None:
    project.write("deep/myfy.toml", "[data]\npool_size = 3\n")

    assert project.load(start=Path("deep")).profile().pool_size == 3
    assert project.load(start="deep").profile().pool_size == 3
