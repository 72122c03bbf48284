"""Contract C3.10: every value knows its layer."""

from __future__ import annotations

import pytest

from myfy_data.errors import ConfigError, UnknownProfileError
from myfy_data.origins import Origin
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from tests.loading import MAIN
from tests.sandbox import Sandbox

TOML = """\
[data]
default = "main"

[data.profiles.main]
database_url = "postgresql://db/main"
"pool_size" = 7
sqlite = { journal_mode = "off" }
connect_args.timeout = 5

  [data.profiles.main.connect_args.server]
  "a.b" = 'x'
"""
YAML = """\
data:
  default: main
  profiles:
    main:
      database_url: postgresql://db/main
      pool_size: 7
      sqlite: {journal_mode: "off"}
      connect_args:
        timeout: 5
        server:
          a.b: x
"""


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        ("myfy.toml", TOML, {"pool_size": (6, 1), "sqlite.journal_mode": (7, 12), "default": (2, 1)}),
        ("myfy.toml", TOML, {"connect_args.timeout": (8, 14), 'connect_args.server."a.b"': (11, 3)}),
        ("myfy.yaml", YAML, {"pool_size": (6, 7), "sqlite.journal_mode": (7, 16), "default": (2, 3)}),
        ("myfy.yaml", YAML, {"connect_args.timeout": (9, 9), 'connect_args.server."a.b"': (11, 11)}),
    ],
)
def test_a_value_of_a_file_knows_line_and_column_of_its_key(
    project: Sandbox, name: str, text: str, places: dict[str, tuple[int, int]]
) -> None:
    project.write(name, text)
    settings = project.load(environ={})

    assert {key: settings.origin(key) for key in places} == {
        key: Origin(name, line, column) for key, (line, column) in places.items()
    }


def test_flat_and_full_keys_of_the_default_profile_are_one(project: Sandbox) -> None:
    project.write("myfy.toml", TOML)
    settings = project.load(environ={})

    assert settings.origin("pool_size") == settings.origin("profiles.main.pool_size")


@pytest.mark.parametrize(
    ("request_", "origin"),
    [
        ({"environ": {"MYFY_DATA_POOL_SIZE": "1"}}, Origin("environment", variable="MYFY_DATA_POOL_SIZE")),
        ({"overrides": {"pool_size": 1}}, Origin("argument")),
        ({"environ": {}}, Origin("default")),
    ],
)
def test_a_value_of_another_source_knows_it(project: Sandbox, request_: dict[str, object], origin: Origin) -> None:
    project.write("myfy.toml", MAIN)

    assert project.load(**request_).origin("pool_size") == origin


def test_a_key_that_its_table_lacks_is_default(project: Sandbox) -> None:
    project.write("myfy.toml", TOML)

    assert str(project.load(environ={}).origin("sqlite.busy_timeout")) == "default"


def test_the_highest_layer_is_where_a_table_comes_from(project: Sandbox) -> None:
    project.write("myfy.toml", TOML)
    project.write("config/local.toml", "[data.profiles.main.connect_args]\nother = 1\n")

    assert str(project.load(environ={}).origin("connect_args")) == "config/local.toml:1:21"


def test_profile_names_are_found_as_variables_find_them(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN.replace("main]", "read-replica]"))

    assert str(project.load(environ={}).origin("profiles.read_replica.database_url")) == "myfy.toml:2:1"


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("poll_size", "profiles.main.pool_size"),
        ("profiles.main.poll_size", "profiles.main.pool_size"),
        ("sqlite.jornal_mode", "profiles.main.sqlite.journal_mode"),
        ("pool_size.x", "config show"),
        ("connect_args.missing", "config show"),
        ("profiles.main", "profiles.main.pool_size"),
        ("profiles", "profiles.main.pool_size"),
        ("", "config show"),
    ],
)
@pytest.mark.parametrize("ask", ["origin", "explain"])
def test_an_unknown_key_raises_with_a_fix(project: Sandbox, ask: str, key: str, fix: str) -> None:
    project.write("myfy.toml", TOML)
    settings = project.load(environ={})

    with pytest.raises(ConfigError, match="no such setting") as caught:
        getattr(settings, ask)(key)

    assert fix in str(caught.value).partition("fix: ")[2]


def test_an_unknown_profile_raises_with_the_near_one(project: Sandbox) -> None:
    project.write("myfy.toml", TOML)

    with pytest.raises(UnknownProfileError, match="Did you mean 'main'"):
        project.load(environ={}).origin("profiles.mian.pool_size")


def test_explain_ends_with_the_default(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    settings = project.load(environ={"MYFY_DATA_ENVIRONMENT": "qa"})

    assert [(row.value, row.wins) for row in settings.explain("pool_size")] == [(5, True)]
    assert [(row.value, row.wins) for row in settings.explain("environment")] == [("qa", True), ("development", False)]
    assert [(row.value, row.wins) for row in settings.explain("sqlite.journal_mode")] == [("wal", True)]


def test_explain_masks_secrets(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "c4nary"\nconnect_args = { secrets = { a = "c4nary" } }\n')
    settings = project.load(environ={})

    rows = [row for key in ("password", "connect_args", "connect_args.secrets.a") for row in settings.explain(key)]

    assert "c4nary" not in str(rows)


def test_finished_settings_know_what_was_an_argument() -> None:
    profile = DatabaseSettings.model_validate({"database_url": "sqlite://", "sqlite": {"busy_timeout": 1}})
    settings = DataSettings(profiles={"main": profile})

    keys = ["database_url", "pool_size", "sqlite.busy_timeout", "sqlite.journal_mode", "default", "profiles.main.echo"]

    assert [settings.origin(key).source for key in keys] == [
        "argument",
        "default",
        "argument",
        "default",
        "default",
        "default",
    ]


def test_a_key_of_a_table_that_one_reference_gives_comes_from_there(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'connect_args = "${ARGS}"\n')
    settings = project.load(environ={"ARGS": '{"timeout": 5}'})

    assert str(settings.origin("connect_args.timeout")) == "myfy.toml:3:1"


@pytest.mark.parametrize("before", ["", "profiles.main."])
@pytest.mark.parametrize("words", ["pool_sise", "analytics.pool_size", "analtics.pool_size", "nobody.pool_sise"])
def test_what_is_written_in_its_place_is_explained(project: Sandbox, before: str, words: str) -> None:
    """A fix may lead to a better message, never back to one that was told already."""
    project.write("myfy.toml", f'{TOML}[data.profiles.analytics]\nextends = "main"\n')
    settings = project.load(environ={})
    asked = [before + words]
    while len(set(asked)) == len(asked):
        try:
            assert settings.explain(asked[-1])
        except ConfigError as error:
            asked.append(error.problems[0].fix.removeprefix("write ").removesuffix(" in its place"))
        else:
            return
    raise AssertionError(asked)
