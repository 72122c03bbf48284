"""What is remembered and written of slow queries is bounded (contract C12.3)."""

from __future__ import annotations

import pytest

from myfy_data.settings.slow import SlowSettings, slow_bounds
from myfy_data.telemetry.line_limit import LineLimit
from myfy_data.telemetry.slow_queries import KEPT, SlowQueries, SlowQuery


def query(number: int, ran: float = 1.0) -> SlowQuery:
    return SlowQuery("main", "statement", 0.0, ran, None, f"{number:08x}", "SELECT ?", "app.py:1 in f")


def test_the_worst_are_kept() -> None:
    memory = SlowQueries()

    for number in range(3 * KEPT):
        memory.add(query(number, ran=float(number)))

    worst = memory.worst()
    assert len(worst) == KEPT
    assert [each.ran_s for each in worst[:2]] == [299.0, 298.0]
    assert min(each.ran_s for each in worst) == 200.0


def test_the_same_statement_is_one_with_its_worst() -> None:
    memory = SlowQueries()

    for ran in (1.0, 3.0, 2.0):
        memory.add(query(1, ran))

    [only] = memory.worst()
    assert (only.count, only.ran_s) == (3, 3.0)


def test_lines_of_a_minute_are_bounded_and_the_rest_is_told_in_the_next() -> None:
    now = 0.0
    limit = LineLimit(lambda: now)

    admitted = [limit.admit("a", 2) for _ in range(10)]
    assert [line is not None for line in admitted] == [True, True] + [False] * 8
    assert admitted[1] is not None
    assert "counted" in admitted[1].note
    assert limit.admit("b", 2) is not None

    now = 61.0
    line = limit.admit("a", 2)
    assert line is not None
    assert (line.count, line.note) == (10, "  [x10 in the minute before]")


def test_things_that_are_counted_are_bounded() -> None:
    limit = LineLimit()

    for number in range(5000):
        limit.admit(number, 1)

    assert len(limit) == 1000


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("development", (0.2, 0.1, 5.0, 5)),
        ("test", (None, None, None, 5)),
        ("production", (None, None, None, None)),
        ("staging", (None, None, None, None)),
    ],
)
def test_what_is_slow_depends_on_the_environment(environment: str, expected: tuple[object, ...]) -> None:
    bounds = slow_bounds(SlowSettings(), environment)

    assert (bounds.statement, bounds.wait, bounds.transaction, bounds.repeated) == expected
    assert bounds.max_per_minute == 20


def test_what_is_said_goes_before_the_environment() -> None:
    bounds = slow_bounds(SlowSettings(statement=1.5, repeated=9), "production")

    assert (bounds.statement, bounds.wait, bounds.repeated) == (1.5, None, 9)
    assert bounds.is_any


def test_nothing_said_in_production_looks_for_nothing() -> None:
    assert not slow_bounds(SlowSettings(), "production").is_any
