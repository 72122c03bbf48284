"""`pooler = "pgbouncer"`: what contradicts it is told without connecting (contract C2, C9)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_refusal, warnings
from tests.sandbox import Sandbox

POOLED = f'{MAIN}pooler = "pgbouncer"\n'


@pytest.mark.parametrize(
    ("line", "place", "words", "fix"),
    [
        (
            "statement_timeout = 2.0",
            "4:1: profiles.main.statement_timeout",
            "refuses start-up settings",
            "delete it, and on the server: ALTER ROLE app SET statement_timeout = '2000ms'",
        ),
        (
            'isolation_level = "AUTOCOMMIT"',
            "4:1: profiles.main.isolation_level",
            "PgBouncer may send the two halves of a statement to two servers",
            "delete this line",
        ),
        (
            'pool_reset_on_return = "discard"',
            "4:1: profiles.main.pool_reset_on_return",
            "PgBouncer itself can do it: server_reset_query_always = 1",
            "delete this line",
        ),
        (
            "connect_args = { statement_cache_size = 100 }",
            "4:18: profiles.main.connect_args.statement_cache_size",
            "is prepared on one server",
            "statement_cache_size = 0",
        ),
    ],
)
def test_pooler_a_setting_that_contradicts_it_is_refused(
    project: Sandbox, line: str, place: str, words: str, fix: str
) -> None:
    project.write("myfy.toml", f"{POOLED}{line}\n")

    told = only_refusal(environ={})

    assert told.startswith(f"myfy.toml:{place}: ")
    assert words in told
    assert told.endswith(f"\n  fix: {fix}")


def test_pooler_a_start_up_setting_that_it_may_let_pass_is_a_warning(project: Sandbox) -> None:
    project.write("myfy.toml", f'{POOLED}connect_args = {{ server_settings = {{ jit = "off", TimeZone = "UTC" }} }}\n')

    assert warnings() == [
        (
            "myfy.toml:4:18: profiles.main.connect_args.server_settings: PgBouncer refuses the start-up setting 'jit',"
            " or ignores it when told to\n  fix: delete jit; ALTER ROLE ... SET jit on the server"
        )
    ]


def test_pooler_a_profile_without_contradiction_is_not_warned_of(project: Sandbox) -> None:
    project.write("myfy.toml", f'{POOLED}pool_size = 20\nread_only = true\napplication_name = "till"\n')

    assert warnings() == []


def test_pooler_none_has_nothing_to_contradict(project: Sandbox) -> None:
    project.write("myfy.toml", f'{MAIN}statement_timeout = 2.0\nisolation_level = "AUTOCOMMIT"\n')

    assert warnings() == []
