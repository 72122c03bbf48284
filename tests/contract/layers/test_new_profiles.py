"""Contract C3.6: profiles that only variables declare."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

REPLICA = MAIN + '[data.profiles.read-replica]\ndatabase_url = "sqlite://"\n[data]\ndefault = "main"\n'


def test_new_profiles_are_created_by_a_database_url(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    environ = {
        "MYFY_DATA_PROFILES__WAREHOUSE__DATABASE_URL": "sqlite://",
        "MYFY_DATA_PROFILES__WAREHOUSE__POOL_SIZE": "3",
    }

    assert project.load(environ=environ | {"MYFY_DATA_DEFAULT": "main"}).profiles["warehouse"].pool_size == 3


def test_new_profiles_are_created_by_nothing_else(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    assert only_problem(environ={"MYFY_DATA_PROFILES__WAREHOUSE__POOL_SIZE": "3"}) == (
        "env MYFY_DATA_PROFILES__WAREHOUSE__POOL_SIZE: profile 'warehouse' is not declared; declared: main\n"
        "  fix: set MYFY_DATA_PROFILES__WAREHOUSE__DATABASE_URL as well, which creates the profile"
    )


def test_new_profiles_are_not_created_where_a_declared_name_is_near(project: Sandbox) -> None:
    project.write("myfy.toml", REPLICA)

    assert only_problem(environ={"MYFY_DATA_PROFILES__READ_REPLCA__DATABASE_URL": "sqlite://"}) == (
        "env MYFY_DATA_PROFILES__READ_REPLCA__DATABASE_URL: profile 'read_replca' is not declared;"
        " declared: main, read-replica. Did you mean 'read-replica'?\n"
        "  fix: rename it to MYFY_DATA_PROFILES__READ_REPLICA__DATABASE_URL"
    )


def test_new_profiles_may_be_near_each_other(project: Sandbox) -> None:
    environ = {f"MYFY_DATA_PROFILES__SHARD_{number}__DATABASE_URL": "sqlite://" for number in range(3)}

    assert list(project.load(environ=environ).profiles) == ["shard_0", "shard_1", "shard_2"]


def test_new_profiles_have_no_short_name(project: Sandbox) -> None:
    assert only_problem(environ={"MYFY_DATA_WAREHOUSE_DATABASE_URL": "sqlite://"}) == (
        "env MYFY_DATA_WAREHOUSE_DATABASE_URL: no setting has this name\n"
        "  fix: rename it to MYFY_DATA_PROFILES__WAREHOUSE__DATABASE_URL"
    )


@pytest.mark.parametrize("source", ["dotenv", "secrets"])
def test_new_profiles_may_come_from_dotenv_and_secret_files(project: Sandbox, source: str) -> None:
    name = "MYFY_DATA_PROFILES__WAREHOUSE__DATABASE_URL"
    project.write(".env" if source == "dotenv" else f"secrets/{name}", f"{name}=sqlite://\n")
    if source == "secrets":
        project.write(f"secrets/{name}", "sqlite://\n")

    settings = project.load(environ={"MYFY_DATA_SECRETS_DIR": "secrets"} if source == "secrets" else {})

    assert list(settings.profiles) == ["warehouse"]


def test_new_profiles_that_are_the_only_ones_are_the_default(project: Sandbox) -> None:
    environ = {"MYFY_DATA_PROFILES__MAIN__DATABASE_URL": "sqlite://", "MYFY_DATA_POOL_SIZE": "3"}

    assert project.load(environ=environ).profile("main").pool_size == 3


def test_new_profiles_cannot_have_a_name_that_no_profile_has(project: Sandbox) -> None:
    assert only_problem(environ={"MYFY_DATA_PROFILES__1ST__DATABASE_URL": "sqlite://"}) == (
        "env MYFY_DATA_PROFILES__1ST__DATABASE_URL: no profile can be called '1st'\n"
        "  fix: unset MYFY_DATA_PROFILES__1ST__DATABASE_URL"
    )


def test_new_profiles_are_not_needed_for_the_one_that_nobody_declares(project: Sandbox) -> None:
    settings = project.load(environ={"MYFY_DATA_PROFILES__DEFAULT__POOL_SIZE": "3"})

    assert (settings.profile().pool_size, settings.profile().url.backend) == (3, "sqlite")


def test_new_profiles_are_not_needed_in_dotenv_either(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_PROFILES__DEFAULT__POOL_SIZE=3\n")

    assert project.load(environ={}).profile().pool_size == 3
