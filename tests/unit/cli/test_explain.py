"""`config explain`: which layers set one key, and what the key is."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

MAIN = """
    [data]
    default = "main"

    [data.profiles.main]
    database_url = "sqlite:///./app.db"
    pool_size = 20

    [data.profiles.read-replica]
    extends = "main"
"""


def test_the_winner_comes_first_and_the_others_are_covered(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", "[data]\npool_size = 7\n")
    project.setenv("MYFY_DATA_POOL_SIZE", "9")

    result = run("config", "explain", "profiles.main.pool_size")

    assert result.lines[:5] == [
        "profiles.main.pool_size = 9",
        "  -> env MYFY_DATA_POOL_SIZE  9",
        "     config/local.toml:2:1    7  (covered)",
        "     myfy.toml:6:1            20  (covered)",
        "     default                  5  (covered)",
    ]


def test_type_range_default_meaning_and_variable_follow(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    assert run("config", "explain", "pool_size").lines[-3:] == [
        "  whole number, 1 or more, in connections; default 5",
        "  Connections kept in the pool.",
        "  set by env: MYFY_DATA_POOL_SIZE, or MYFY_DATA_PROFILES__MAIN__POOL_SIZE",
    ]


def test_the_variable_of_another_profile_names_it(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    last = run("config", "explain", "profiles.read-replica.echo").lines[-1]

    assert last == "  set by env: MYFY_DATA_PROFILES__READ_REPLICA__ECHO"


def test_an_inherited_value_names_the_parent(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    lines = run("config", "explain", "profiles.read-replica.pool_size").lines

    assert lines[1].startswith("  -> myfy.toml:6:1 (profiles.main.pool_size)  20")


def test_a_key_that_nobody_set_has_its_default(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    assert run("config", "explain", "pool_timeout").lines[:2] == [
        "profiles.main.pool_timeout = 30.0",
        "  -> default  30.0",
    ]


def test_a_key_inside_a_table_of_ours(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    result = run("config", "explain", "sqlite.busy_timeout")

    assert "  number, 0 or more, in seconds; default 5.0" in result.lines
    assert result.lines[-1].startswith("  set by env: MYFY_DATA_SQLITE__BUSY_TIMEOUT, or ")


def test_a_key_that_no_variable_can_spell_is_set_through_its_table(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgres"\nconnect_args = { Mixed = 1 }\n')

    last = run("config", "explain", "connect_args.Mixed").lines[-1]

    assert last.startswith("  set by env: MYFY_DATA_CONNECT_ARGS (the whole table, as JSON)")


def test_a_root_key(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    lines = run("config", "explain", "default").lines

    assert lines[0] == "default = main"
    assert lines[1] == "  -> myfy.toml:2:1  main"


def test_a_password_stays_hidden_in_every_layer(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgres"\npassword = "hunter2"\n')
    project.setenv("MYFY_DATA_PASSWORD", "hunter3")

    result = run("config", "explain", "password")

    assert result.code == 0
    assert "hunter" not in result.out


def test_an_unknown_key_is_refused_with_the_near_one(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", MAIN)

    result = run("config", "explain", "poll_size")

    assert result.code == 2
    assert "pool_size" in result.err


def test_a_wrong_configuration_is_told_in_place_of_an_answer(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "[data]\npool_size = 0\n")

    result = run("config", "explain", "pool_size")

    assert result.code == 2
    assert result.err.startswith("myfy.toml:2:1: ")


def test_a_whole_table(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\nsqlite = { busy_timeout = 3 }\n')

    lines = run("config", "explain", "sqlite").lines

    assert lines[1].split(maxsplit=2)[:2] == ["->", "myfy.toml:3:1"]
    assert '"journal_mode": "wal"' in lines[2]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("analytics.pool_size", "profiles.analytics.pool_size"),
        ("profile.analytics.pool_size", "profiles.analytics.pool_size"),
        ("profiles.analytics.pool_sise", "profiles.analytics.pool_size"),
        ("analytics", "profiles.analytics.pool_size"),
    ],
)
def test_a_key_that_lacks_its_table_leads_to_the_key(run: Run, project: Sandbox, asked: str, meant: str) -> None:
    project.write(
        "myfy.toml",
        '[data]\ndefault = "main"\n[data.profiles.main]\ndatabase_url = "sqlite://"\n'
        '[data.profiles.analytics]\nextends = "main"\n',
    )

    refused = run("config", "explain", asked)

    assert (refused.code, refused.err.splitlines()[-1]) == (2, f"  fix: write {meant} in its place")
    assert run("config", "explain", meant).code == 0
