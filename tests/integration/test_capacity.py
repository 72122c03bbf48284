"""`capacity` against servers whose limits are 20, 97 and 5 for a role: verdict and fix (research: growth 9.8)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.settings.root_tables import CapacitySettings
from tests.own_servers import own_mysql, own_postgresql
from tests.sandbox import Sandbox
from tests.servers import MYSQL, POSTGRESQL, Account, NoServerError, Server, required


def write(project: Sandbox, url: str, settings: str = "", capacity: str = "") -> None:
    project.write("myfy.toml", f'[data]\ndatabase_url = "{url}"\n{settings}\n[data.capacity]\n{capacity}\n')


def ask(project: Sandbox) -> tuple[int, dict[str, Any]]:
    result = project.run("capacity", "--json")
    (server,) = json.loads(result.stdout)
    return result.returncode, server


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """A PostgreSQL that takes 23 connections, 3 of them for superusers; a role of 5, and a database of 7."""
    with required("postgresql"), own_postgresql(lambda _: ["-c", "max_connections=23"]) as started:
        if started is None:
            raise NoServerError("no PostgreSQL")
        server = Server(POSTGRESQL, Account(*started))
        server.await_login()
        server.execute(
            "CREATE ROLE app LOGIN",
            "CREATE ROLE few LOGIN CONNECTION LIMIT 5",
            "CREATE DATABASE small CONNECTION LIMIT 7",
        )
        yield server


@pytest.fixture(scope="module")
def wide() -> Iterator[Server]:
    """A PostgreSQL as it is installed: 100 connections, 3 of them for superusers."""
    with required("postgresql"), own_postgresql() as started:
        if started is None:
            raise NoServerError("no PostgreSQL")
        server = Server(POSTGRESQL, Account(*started))
        server.await_login()
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Server]:
    """A MariaDB or MySQL that takes 20 connections; an account of 5."""
    with required("mysql"), own_mysql(lambda _: ["--max-connections=20"]) as started:
        if started is None:
            raise NoServerError("no MySQL")
        server = Server(MYSQL, Account(*started))
        server.await_login()
        server.execute(
            "CREATE DATABASE shop", "CREATE USER few@'%' WITH MAX_USER_CONNECTIONS 5", "GRANT ALL ON shop.* TO few@'%'"
        )
        yield server


def as_user(server: Server, user: str, database: str) -> str:
    account = server.account
    return f"{server.kind.driver}://{user}@{account.host}:{account.port}/{database}"


def test_what_fits_says_so(project: Sandbox, narrow: Server) -> None:
    write(project, as_user(narrow, "app", "postgres"))
    code, server = ask(project)

    address = f"{narrow.account.host}:{narrow.account.port}"
    assert code == 0
    assert server == {
        "server": address,
        "limit": 20,
        "needed": 17,
        "fits": True,
        "profiles": ["default"],
        "fix": "",
    }


def test_a_rolling_update_is_counted(project: Sandbox, narrow: Server) -> None:
    write(project, as_user(narrow, "app", "postgres"), "pool_size = 9\nmax_overflow = 0", "instances = 2")
    assert ask(project)[0] == 0

    write(project, as_user(narrow, "app", "postgres"), "pool_size = 9\nmax_overflow = 0", "instances = 2\nsurge = 0.5")
    code, server = ask(project)
    assert (code, server["needed"], server["limit"]) == (1, 29, 20)
    assert server["fix"].startswith("pool_size = 6, max_overflow = 0 (3 x 6 + 2 = 20)")


def test_the_fix_works_when_it_is_pasted(project: Sandbox, wide: Server) -> None:
    numbers = "instances = 6\nworkers = 4\nsurge = 0.25"
    write(project, wide.url("postgres"), "", numbers)
    code, server = ask(project)
    assert (code, server["limit"], server["needed"]) == (1, 97, 452)

    write(project, wide.url("postgres"), server["fix"].partition(" (")[0].replace(", ", "\n"), numbers)
    assert ask(project) == (0, {**server, "needed": 92, "fits": True, "fix": ""})


@pytest.mark.parametrize(
    ("user", "database", "limit"), [("few", "postgres", 5), ("app", "small", 7), ("few", "small", 5)]
)
def test_a_lower_limit_of_the_role_or_of_the_database_holds(
    project: Sandbox, narrow: Server, user: str, database: str, limit: int
) -> None:
    write(project, as_user(narrow, user, database))
    code, server = ask(project)

    assert (code, server["limit"], server["fits"]) == (1, limit, False)


@pytest.mark.parametrize(("user", "limit"), [("root", 20), ("few", 5)])
def test_mysql_has_a_limit_of_the_server_and_one_of_the_account(
    project: Sandbox, mariadb: Server, user: str, limit: int
) -> None:
    write(project, as_user(mariadb, user, "shop"), "pool_size = 30")
    code, server = ask(project)

    assert (code, server["limit"], server["needed"]) == (1, limit, 42)


def test_the_text_has_the_arithmetic_and_the_fix(project: Sandbox, narrow: Server) -> None:
    write(project, as_user(narrow, "app", "postgres"), "", "workers = 2")
    result = project.run("capacity")

    line, fix = result.stdout.splitlines()
    assert result.returncode == 1
    assert line.endswith("limit 20 of the server, 1 x 2 x (5 + 10) + 2, needs 32: too many")
    assert fix.startswith("  fix: pool_size = 5, max_overflow = 4 (2 x 9 + 2 = 20)")


def test_the_platforms_number_of_workers_counts(project: Sandbox, narrow: Server) -> None:
    project.setenv("WEB_CONCURRENCY", "2")
    write(project, as_user(narrow, "app", "postgres"))

    assert ask(project)[1]["needed"] == 32


def test_each_of_several_servers_is_asked(project: Sandbox, narrow: Server, wide: Server) -> None:
    wide.execute("DROP ROLE IF EXISTS app", "CREATE ROLE app LOGIN")
    addresses = [f"{server.account.host}:{server.account.port}" for server in (narrow, wide)]
    write(project, "postgresql+asyncpg://app@/postgres", f"hosts = {json.dumps(addresses)}\nmax_overflow = 13")
    result = project.run("capacity", "--json")

    told = [(server["server"], server["limit"], server["needed"]) for server in json.loads(result.stdout)]
    assert result.returncode == 1
    assert told == [(addresses[0], 20, 21), (addresses[1], 97, 21)]


def test_a_server_that_does_not_answer_is_an_error_in_json_too(project: Sandbox) -> None:
    write(project, "postgresql+asyncpg://app@127.0.0.1:1/shop")
    result = project.run("capacity", "--json")

    assert result.returncode == 1
    assert json.loads(result.stdout)["problems"]


def test_sqlite_has_no_limit(project: Sandbox) -> None:
    write(project, "sqlite://")

    assert project.run("capacity", "--json").stdout.strip() == "[]"


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_config_check_counts_when_it_may_connect(
    project: Sandbox, narrow: Server, strict: tuple[str, ...], code: int
) -> None:
    write(project, as_user(narrow, "app", "postgres"), "", "workers = 2")
    assert project.run("config", "check", *strict).returncode == 0

    result = project.run("config", "check", "--connect", *strict)
    assert result.returncode == code, result.stdout
    assert "needs 32: too many" in result.stdout
    assert "1 warning" in result.stdout


async def start(server: Server, environment: str, capacity: CapacitySettings) -> None:
    profile = DatabaseSettings(database_url=as_user(server, "app", "postgres"), tls="disable")
    settings = DataSettings(environment=environment, profiles={"main": profile}, capacity=capacity)
    async with DataModule(settings=settings):
        pass


@pytest.mark.parametrize(
    ("environment", "workers", "told"), [("production", 2, True), ("production", 1, False), ("development", 2, False)]
)
async def test_a_start_in_production_warns(
    narrow: Server, caplog: pytest.LogCaptureFixture, environment: str, workers: int, told: bool
) -> None:
    with caplog.at_level(logging.WARNING, "myfy_data"):
        await start(narrow, environment, CapacitySettings(workers=workers))

    assert any("too many" in record.getMessage() for record in caplog.records) == told
