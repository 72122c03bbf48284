"""Deadlines that defeat each other are told without connecting (contract C2, C10)."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, warnings
from tests.sandbox import Sandbox

FILE = '[data.profiles.main]\ndatabase_url = "sqlite:///app.db"\n'


@pytest.mark.parametrize(
    ("lines", "place", "words", "fix"),
    [
        (
            "pool_timeout = 5.0",
            "3:1: profiles.main.pool_timeout",
            "connect_timeout (10 s) is not below pool_timeout (5 s): when the server does not answer",
            "connect_timeout = 2.5",
        ),
        (
            "connect_timeout = 30.0",
            "3:1: profiles.main.connect_timeout",
            "connect_timeout (30 s) is not below pool_timeout (30 s)",
            "connect_timeout = 15.0",
        ),
        (
            "statement_timeout = 90.0",
            "3:1: profiles.main.statement_timeout",
            "the connection is given up before the server stops the statement",
            "command_timeout = 95.0",
        ),
        (
            "statement_timeout = 5.0\ncommand_timeout = 2.0",
            "4:1: profiles.main.command_timeout",
            "statement_timeout (5 s) is not below command_timeout (2 s)",
            "command_timeout = 10.0",
        ),
        (
            "pool_recycle = 60\npool_pre_ping_idle = 90.0",
            "4:1: profiles.main.pool_pre_ping_idle",
            "a connection is replaced before it is ever tested",
            "pool_pre_ping_idle = 0.5",
        ),
    ],
)
def test_deadlines_in_the_wrong_order_are_a_warning(
    project: Sandbox, lines: str, place: str, words: str, fix: str
) -> None:
    project.write("myfy.toml", f"{MAIN}{lines}\n")

    (told,) = warnings()

    assert told.startswith(f"myfy.toml:{place}: ")
    assert words in told
    assert told.endswith(f"\n  fix: {fix}")


@pytest.mark.parametrize(
    ("lines", "place", "fix"),
    [
        ("command_timeout = 4.0", "3:1: profiles.main.command_timeout", "command_timeout = 10.0"),
        ("statement_timeout = 4.0", "3:1: profiles.main.statement_timeout", "statement_timeout = 10.0"),
        ("sqlite.busy_timeout = 90.0", "3:8: profiles.main.sqlite.busy_timeout", "busy_timeout = 30.0"),
    ],
)
def test_deadlines_of_sqlite_know_its_lock(project: Sandbox, lines: str, place: str, fix: str) -> None:
    project.write("myfy.toml", f"{FILE}{lines}\n")

    (told,) = warnings()

    assert told.startswith(f"myfy.toml:{place}: busy_timeout (")
    assert told.endswith(f"\n  fix: {fix}")


def test_deadlines_the_fix_is_written_for_the_layer_that_spoke(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    (told,) = warnings(environ={"MYFY_DATA_POOL_TIMEOUT": "5"})

    assert told.startswith("env MYFY_DATA_POOL_TIMEOUT: ")
    assert told.endswith("\n  fix: MYFY_DATA_PROFILES__MAIN__CONNECT_TIMEOUT=2.5")


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "connect_timeout = 29.0",
        "statement_timeout = 59.0",
        "pool_recycle = -1",
        "pool_pre_ping = false\npool_recycle = 1\npool_pre_ping_idle = 2.0",
    ],
)
def test_deadlines_in_the_right_order_are_not_warned_of(project: Sandbox, lines: str) -> None:
    project.write("myfy.toml", f"{MAIN}{lines}\n")

    assert warnings() == []


def test_deadlines_that_sqlite_has_no_use_for_are_not_compared(project: Sandbox) -> None:
    project.write("myfy.toml", f"{FILE}pool_timeout = 5.0\nstatement_timeout = 90.0\n")

    assert warnings() == []
