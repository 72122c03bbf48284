"""The one shape of every file (contract C2)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox

EXAMPLE = """
    #:schema ./schemas/myfy.schema.json
    [data]
    default = "main"

    [data.profiles.main]
    database_url = "postgresql+asyncpg://app@db.internal/main"
    password = "${DB_PASSWORD}"            # or password_file = "/run/secrets/db"
    pool_size = 20

    [data.profiles.analytics]
    extends = "main"                       # one parent, merged as one more lower layer
    database_url = "postgresql+asyncpg://reader@dwh.internal/analytics"
    password_file = "/run/secrets/dwh"     # a new URL drops the parent's whole identity (C3.5)
    read_only = true
"""


def test_the_example_of_the_contract_loads_without_a_warning(project: Sandbox) -> None:
    project.write("myfy.toml", EXAMPLE)

    settings = project.load(environ={"DB_PASSWORD": "hidden"})

    analytics = settings.profiles["analytics"]
    assert list(settings.profiles) == ["main", "analytics"]
    assert settings.default == "main"
    assert (analytics.pool_size, analytics.read_only, analytics.password) == (20, True, None)
    assert str(analytics.url) == "postgresql+asyncpg://reader@dwh.internal/analytics"
    assert settings.warnings == ()


@pytest.mark.parametrize("name", ["myfy.toml", "myfy.yaml", "myfy.yml"])
def test_toml_and_yaml_have_the_same_shape(project: Sandbox, name: str) -> None:
    toml = '[data.profiles.main]\ndatabase_url = "sqlite:///x.db"\npool_size = 7\n'
    yaml = "data:\n  profiles:\n    main:\n      database_url: sqlite:///x.db\n      pool_size: 7\n"
    project.write(name, toml if name.endswith("toml") else yaml)

    assert project.load().profile().pool_size == 7


def test_other_top_level_tables_are_left_alone(project: Sandbox) -> None:
    project.write("myfy.toml", '[web]\nport = 80\n[web.deep]\npool_size = "x"\n[database]\nhost = 1\n' + MAIN)

    assert project.load().warnings == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pool_size = 5\n", "myfy.toml:1:1: pool_size: stands outside the table `data`, where nothing reads it"),
        ('default = "main"\n', "myfy.toml:1:1: default: stands outside the table `data`, where nothing reads it"),
        ("[profiles.main]\n", "myfy.toml:1:2: profiles: stands outside the table `data`, where nothing reads it"),
    ],
)
def test_our_own_words_outside_the_table_data_are_refused(project: Sandbox, text: str, told: str) -> None:
    project.write("myfy.toml", text)

    assert told in only_problem()


def test_a_misspelt_table_data_is_told(project: Sandbox) -> None:
    project.write("myfy.toml", "[dta]\npool_size = 5\n")

    assert warnings() == ["myfy.toml:1:2: dta: is not ours. Did you mean 'data'?\n  fix: rename it to data"]
