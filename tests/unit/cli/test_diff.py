"""`config diff A B`: what would be loaded in each environment, and nothing of this machine (contract C14.4)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Result, Run

CANARY = "c4nary-Zq9"

BASE = """
[data]
default = "main"

[data.profiles.main]
database_url = "postgresql+asyncpg://app@localhost/shop"
pool_size = 5
connect_args.timeout = 7
"""

STAGING = """
[data.profiles.main]
database_url = "postgresql+asyncpg://app@db.staging/shop"
pool_size = 10
statement_timeout = 5.0
"""

PRODUCTION = """
[data.profiles.main]
database_url = "postgresql+asyncpg://app@db.prod/shop"
pool_size = 40
tls = "verify-full"

[data.profiles.analytics]
database_url = "sqlite:///./analytics.db"
"""


def write(project: Sandbox, staging: str = STAGING, production: str = PRODUCTION, base: str = BASE) -> None:
    project.write("myfy.toml", base)
    project.write("config/staging.toml", staging)
    project.write("config/production.toml", production)


def main(line: str) -> str:
    return f"[data.profiles.main]\n{line}\n"


def diff(run: Run, *arguments: str) -> Result:
    return run("config", "diff", "staging", "production", *arguments)


def sides(run: Run, code: int = 1) -> dict[str, tuple[Any, Any]]:
    """Both values of each key that is told."""
    done = diff(run, "--json")
    assert done.code == code, done.err
    assert CANARY not in done.out + done.err
    return {row["key"]: (row["left"], row["right"]) for row in json.loads(done.out)}


def test_it_tells_each_key_with_both_values_and_places(run: Run, project: Sandbox) -> None:
    write(project)

    done = diff(run)

    assert done.code == 1
    *told, counts = done.lines
    assert re.fullmatch(r"4 differ, 1 profile only in production, \d+ equal", counts)
    assert [line.split() for line in told] == [
        [
            "main.database_url",
            "postgresql+asyncpg://app@db.staging/shop",
            "(config/staging.toml:2:1)",
            "postgresql+asyncpg://app@db.prod/shop",
            "(config/production.toml:2:1)",
        ],
        ["main.pool_size", "10", "(config/staging.toml:3:1)", "40", "(config/production.toml:3:1)"],
        ["main.tls", "prefer", "verify-full", "(config/production.toml:4:1)"],
        ["main.statement_timeout", "5.0", "(config/staging.toml:4:1)", "not", "set"],
        ["analytics", "only", "in", "production", "(config/production.toml:7:1)"],
    ]


def test_the_json_is_a_list_of_exactly_these_keys(run: Run, project: Sandbox) -> None:
    write(project)

    rows = json.loads(diff(run, "--json").out)

    assert {
        "key": "profiles.main.pool_size",
        "left": 10,
        "right": 40,
        "left_place": "config/staging.toml:3:1",
        "right_place": "config/production.toml:3:1",
    } in rows
    assert {tuple(row) for row in rows} == {("key", "left", "right", "left_place", "right_place")}


def test_it_equals_a_diff_of_two_shows_made_by_hand(run: Run, project: Sandbox) -> None:
    write(project)
    shown = [
        {
            row["key"]: row["value"]
            for row in json.loads(run("config", "show", "--json", "--environment", name).out)
            if row["key"] != "environment"
        }
        for name in ("staging", "production")
    ]
    left, right = shown
    by_hand = {key: (left.get(key), right.get(key)) for key in left | right if left.get(key) != right.get(key)}

    assert sides(run) == by_hand


def test_two_environments_that_load_the_same_are_equal(run: Run, project: Sandbox) -> None:
    write(project, STAGING, STAGING)

    assert re.fullmatch(r"0 differ, \d+ equal\n", diff(run).out)
    assert sides(run, code=0) == {}


def test_names_without_a_file_are_told_since_nothing_was_compared(run: Run, project: Sandbox) -> None:
    write(project, STAGING, STAGING)
    assert diff(run).err == ""
    for name in ("staging", "production"):
        (project.path / "config" / f"{name}.toml").unlink()

    done = diff(run)

    assert (done.code, done.err) == (
        0,
        "neither has a file of its own in config/: staging and production were compared by the same files\n",
    )


def test_with_files_by_config_those_of_an_environment_take_no_part_and_that_is_told(run: Run, project: Sandbox) -> None:
    write(project)

    done = diff(run, "--config", "myfy.toml")

    assert (done.code, done.err) == (
        0,
        "--config takes the place of config/: staging and production were compared by the same files\n",
    )


# -- nothing of this machine -------------------------------------------------------------------------------------------


def test_nothing_of_this_machine_colours_it(run: Run, project: Sandbox) -> None:
    write(project)
    before = diff(run, "--json").out
    project.write("config/local.toml", main("pool_size = 99"))
    project.write(".env", "MYFY_DATA_MAX_OVERFLOW=3\nMYFY_DATA_PASSWORD=x\n")
    project.write("other.toml", main("echo = true"))
    project.setenv("MYFY_DATA_CONFIG", "other.toml")
    project.setenv("MYFY_DATA_ENVIRONMENT", "production")
    for number, key in enumerate(("POOL_SIZE", "POOL_TIMEOUT", "PASSWORD", "DATABASE_URL", "HOST", "TLS", "ECHO")):
        project.setenv(f"MYFY_DATA_{key}", f"{number}")
        project.setenv(f"MYFY_DATA_PROFILES__MAIN__{key}", f"{number}")
        project.setenv(f"MYFY_DATA_PROFILES__OTHER{number}__DATABASE_URL", "sqlite:///x.db")
    for name in ("DATABASE_URL", "PGHOST", "PGPASSWORD", "PGUSER", "MYSQL_PWD", "MYFYDATA_X", "POOL"):
        project.setenv(name, "postgresql://x@y/z")

    assert diff(run, "--json").out == before


def test_a_reference_is_shown_as_it_is_written_even_where_the_variable_is_set_here(run: Run, project: Sandbox) -> None:
    write(project, main('host = "${DB_HOST}"\npool_size = "${POOL}"'), main("pool_size = 40"), BASE)
    project.setenv("DB_HOST", "here")
    project.setenv("POOL", "77")

    told = sides(run)

    assert told["profiles.main.host"] == ("${DB_HOST}", None)
    assert told["profiles.main.pool_size"] == ("${POOL}", 40)


def test_a_default_of_a_reference_is_what_holds_there(run: Run, project: Sandbox) -> None:
    write(project, main('pool_size = "${POOL:-7}"'), main("pool_size = 40"))
    project.setenv("POOL", "77")

    assert sides(run)["profiles.main.pool_size"] == (7, 40)


@pytest.mark.parametrize(
    "key", ["connect_args.server_settings.work_mem", "migrations.metadata", "username", "database"]
)
def test_a_reference_in_any_key_is_shown(run: Run, project: Sandbox, key: str) -> None:
    write(project, main(f'{key} = "${{X}}"'), main(f'{key} = "b"'))

    assert sides(run)[f"profiles.main.{key}"] == ("${X}", "b")


def test_a_whole_address_that_is_elsewhere_is_shown(run: Run, project: Sandbox) -> None:
    write(project, main('database_url = "${DATABASE_URL}"\ntls = "verify-full"\npooler = "pgbouncer"'))

    told = sides(run)

    assert told["profiles.main.database_url"][0] == "${DATABASE_URL}"
    assert "profiles.main.driver" not in told


def test_two_addresses_by_two_variables_differ_and_by_one_do_not(run: Run, project: Sandbox) -> None:
    write(project, main('database_url = "${A}"'), main('database_url = "${B}"'))
    assert sides(run)["profiles.main.database_url"] == ("${A}", "${B}")

    write(project, main('database_url = "${A}"'), main('database_url = "${A}"'))
    assert sides(run, code=0) == {}


def test_secret_files_that_are_not_here_are_shown_as_written(run: Run, project: Sandbox) -> None:
    base = BASE.replace("[data]", '[data]\nsecrets_dir = "/run/not-here"')
    write(project, main('password_file = "/run/secrets/staging"'), main('password_file = "/run/secrets/prod"'), base)

    assert sides(run)["profiles.main.password_file"] == ("/run/secrets/staging", "/run/secrets/prod")


def test_a_secrets_directory_by_reference_is_no_problem(run: Run, project: Sandbox) -> None:
    write(project, base=BASE.replace("[data]", '[data]\nsecrets_dir = "${SECRETS}"'))

    assert "profiles.main.pool_size" in sides(run)


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        (f'password = "{CANARY}"', "", ("set", "missing")),
        ("", f'password = "{CANARY}"', ("missing", "set")),
        (f'password = "{CANARY}"', f'password = "{CANARY}2"', ("different", "different")),
        ('password = "${A}"', f'password = "{CANARY}"', ("${A}", "set")),
        ('password = "${A}"', 'password = "${B}"', ("${A}", "${B}")),
        (f'password = "${{A}}{CANARY}"', "", ("set", "missing")),
        (f'password = "${{A:-{CANARY}}}"', f'password = "{CANARY}"', ("same", "same")),
    ],
)
def test_a_password_is_told_in_a_word(run: Run, project: Sandbox, left: str, right: str, told: tuple[str, str]) -> None:
    write(project, main(f"pool_size = 1\n{left}"), main(f"pool_size = 2\n{right}"))

    assert sides(run)["profiles.main.password"] == told


def test_a_password_that_is_the_same_is_told_and_is_no_difference(run: Run, project: Sandbox) -> None:
    write(project, main(f'password = "{CANARY}"'), main(f'password = "{CANARY}"'))

    assert sides(run, code=0) == {"profiles.main.password": ("same", "same")}


def url(password: str, host: str = "db") -> str:
    return main(f'database_url = "postgresql+asyncpg://app:{password}@{host}/shop"')


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        (url(CANARY), url(f"{CANARY}2"), ("different", "different")),
        (url(CANARY), url(CANARY, "other"), ("same", "same")),
        (url(CANARY), main(""), ("set", "missing")),
        (url("${PW}"), url(CANARY), ("${PW}", "set")),
        (url(f"${{PW:-{CANARY}}}", "${HOST}"), url(CANARY), ("${PW}", "set")),
        (main('database_url = "${URL}"'), url(CANARY), ("${URL}", "set")),
    ],
)
def test_a_password_in_a_url_is_told_too(
    run: Run, project: Sandbox, left: str, right: str, told: tuple[str, str]
) -> None:
    write(project, left, right)

    assert sides(run, code=1)["profiles.main.password"] == told


def test_a_secret_among_the_drivers_arguments_is_told_in_a_word(run: Run, project: Sandbox) -> None:
    write(project, main(f'connect_args.passfile_token = "{CANARY}"'), main('connect_args.passfile_token = "b"'))

    assert sides(run)["profiles.main.connect_args.passfile_token"] == ("different", "different")


# -- what cannot be compared -------------------------------------------------------------------------------------------


def test_one_that_cannot_be_loaded_is_told_with_every_problem(run: Run, project: Sandbox) -> None:
    write(project, production=main("pool_sise = 3\npool_size = 'many'"))

    done = diff(run, "--json")

    assert done.code == 2
    assert [problem["key"] for problem in json.loads(done.out)["problems"]] == [
        "profiles.main.pool_sise",
        "profiles.main.pool_size",
    ]


def test_a_misspelt_environment_is_told_with_the_command_that_was_meant(run: Run, project: Sandbox) -> None:
    write(project)

    refused = run("config", "diff", "staging", "prodution")

    fix = refused.err.partition("fix: ")[2].strip()
    assert (refused.code, fix) == (2, "myfy-data config diff staging production")
    assert run(*fix.split()[1:]).code == 1


def test_the_option_that_other_commands_take_is_refused_with_the_way(run: Run, project: Sandbox) -> None:
    write(project)

    refused = diff(run, "--environment", "production")

    assert refused.code == 2
    assert "config diff A B" in refused.err


def test_a_malformed_reference_is_still_a_problem(run: Run, project: Sandbox) -> None:
    write(project, production=main('host = "${DB-HOST}"'))

    assert diff(run).code == 2
