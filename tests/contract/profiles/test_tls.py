"""How a connection is encrypted (contract C2)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox


@pytest.mark.parametrize(("scheme", "mode"), [("postgresql", "prefer"), ("mysql", "disable"), ("mariadb", "disable")])
def test_tls_has_a_default_per_database(project: Sandbox, scheme: str, mode: str) -> None:
    assert project.load(overrides={"database_url": f"{scheme}://db/x"}).profile().tls_mode == mode


def test_tls_prefer_is_refused_on_mysql(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "mysql://db/x"\ntls = "prefer"\n')

    assert only_problem().startswith("myfy.toml:3:1: profiles.main.tls: 'prefer' cannot be done safely on MySQL")


def test_tls_is_translated_from_sslmode(project: Sandbox) -> None:
    profile = project.load(overrides={"database_url": "postgresql://db/x?sslmode=verify-ca"}).profile()

    assert profile.tls_mode == "verify-ca"
    assert profile.url.query == {}


def test_tls_said_twice_in_different_words_is_an_error(project: Sandbox) -> None:
    project.write(
        "myfy.toml", '[data.profiles.main]\ndatabase_url = "postgresql://db/x?sslmode=require"\ntls = "disable"\n'
    )

    assert "tls: says 'disable', but the URL's query says 'require'" in only_problem()


@pytest.mark.parametrize("name", ["production", "prod", "live"])
def test_tls_missing_in_production_is_a_warning(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", MAIN)

    told = warnings(environment=name)

    assert told == [
        (
            "myfy.toml:1:16: profiles.main.tls: is not set, so 'prefer' holds, and db.internal is not this machine\n"
            '  fix: tls = "verify-full"'
        )
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_tls_missing_for_this_machine_is_none(project: Sandbox, host: str) -> None:
    project.write("myfy.toml", MAIN.replace("db.internal", host))

    assert warnings(environment="production") == []


def test_tls_missing_elsewhere_than_in_production_is_none(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    assert warnings(environment="staging") == []


@pytest.mark.parametrize("name", ["password", "sslpassword", "token"])
def test_tls_a_secret_in_the_query_is_refused(project: Sandbox, name: str) -> None:
    project.write("myfy.toml", f'[data]\ndatabase_url = "postgresql://db/x?{name}=c4nary"\n')

    told = only_problem()

    assert f"a secret in the URL ({name}=...)" in told
    assert "c4nary" not in told
