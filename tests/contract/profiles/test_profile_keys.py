"""The keys of a profile (contract C2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

EVERY_KEY: dict[str, Any] = {
    "pool_size": 6,
    "max_overflow": -1,
    "pool_timeout": 1.5,
    "pool_recycle": -1,
    "pool_pre_ping": False,
    "pool_pre_ping_idle": 0.0,
    "pool_reset_on_return": "commit",
    "echo_pool": True,
    "echo": True,
    "hide_parameters": False,
    "isolation_level": "SERIALIZABLE",
    "read_only": True,
    "active": False,
    "required": False,
    "warm_up": True,
    "tls": "verify-full",
    "connect_timeout": 1.0,
    "command_timeout": 2.0,
    "statement_timeout": 3.0,
    "close_timeout": 4.0,
    "pooler": "pgbouncer",
    "application_name": "app",
}


def test_profile_keys_are_all_taken(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "".join(f"{key} = {json.dumps(value)}\n" for key, value in EVERY_KEY.items()))

    profile = project.load().profile()

    assert {key: getattr(profile, key) for key in EVERY_KEY} == EVERY_KEY


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pool_size", 5),
        ("max_overflow", 10),
        ("pool_timeout", 30.0),
        ("pool_recycle", 3600),
        ("pool_pre_ping", True),
        ("pool_pre_ping_idle", 0.5),
        ("echo", False),
        ("hide_parameters", True),
        ("active", True),
        ("required", None),
        ("warm_up", False),
        ("connect_timeout", 10.0),
        ("command_timeout", 60.0),
        ("statement_timeout", None),
        ("close_timeout", 5.0),
        ("pooler", "none"),
    ],
)
def test_profile_keys_have_the_defaults_of_the_contract(project: Sandbox, key: str, value: object) -> None:
    assert getattr(project.load().profile(), key) == value


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pool_size = 0", "1 or more, got 0"),
        ("max_overflow = -2", "-1 or more, got -2"),
        ("pool_timeout = 0.0", "more than 0.0, got 0.0"),
        ("pool_recycle = -2", "-1 or more, got -2"),
        ("port = 65536", "65535 or less, got 65536"),
        ("connect_timeout = inf", "a finite number, got inf"),
        ("command_timeout = nan", "a finite number, got nan"),
        ('tls = "on"', "one of 'disable', 'prefer', 'require', 'verify-ca' or 'verify-full', got 'on'"),
        ('pooler = "pgpool"', "one of 'none' or 'pgbouncer', got 'pgpool'"),
    ],
)
def test_profile_keys_have_bounds(project: Sandbox, line: str, expected: str) -> None:
    project.write("myfy.toml", MAIN + f"{line}\n")

    assert f": expected {expected}" in only_problem()


def test_profile_keys_of_identity_may_be_parts(project: Sandbox) -> None:
    project.write(
        "myfy.toml",
        '[data.profiles.main]\ndriver = "postgresql"\nhost = "db"\nport = 5433\nusername = "app"\n'
        'password = "p"\ndatabase = "main"\nquery = { target_session_attrs = "any" }\n',
    )

    url = project.load().profile().url

    assert (url.driver, url.host, url.port, url.username, url.database) == (
        "postgresql+asyncpg",
        "db",
        5433,
        "app",
        "main",
    )
    assert url.query == {"target_session_attrs": "any"}


def test_profile_keys_without_url_and_driver_are_an_error(project: Sandbox) -> None:
    project.write("myfy.toml", "[data.profiles.main]\npool_size = 5\n")

    assert only_problem() == (
        "myfy.toml:1:16: profiles.main: has neither database_url nor driver\n"
        "    a template says abstract = true\n"
        '  fix: database_url = "sqlite+aiosqlite:///./app.db"'
    )


def test_profile_keys_without_url_and_driver_are_a_template_when_abstract(project: Sandbox) -> None:
    project.write("myfy.toml", "[data.profiles.base]\nabstract = true\npool_size = 5\n" + MAIN)

    assert list(project.load().profiles) == ["main"]
