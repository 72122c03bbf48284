"""The statement of a fingerprint, in what another process has told as JSON (contract C12.3)."""

from __future__ import annotations

import json

import pytest

from myfy_data.errors import ConfigError
from myfy_data.telemetry.slow_queries import SlowQuery
from myfy_data.telemetry.statement_text import LONGEST_SHOWN, statement_text
from myfy_data.telemetry.told_statements import ToldStatement, find_told, whole_text

TEXT = "SELECT name FROM orders WHERE id = ?"
FOUND = ToldStatement("main", "8f3a11c0", TEXT)
RECORD = {"profile": "main", "fingerprint": "8f3a11c0", "statement": TEXT}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(RECORD),
        "2026-01-31T12:00:00Z stderr F " + json.dumps(RECORD),
        "[{no json}] " + json.dumps({"level": "WARNING", "extra": {"fields": [RECORD]}}),
        json.dumps([{"profile": "main", "fingerprint": "00ff00ff", "statement": "SELECT ?"}, RECORD]),
        json.dumps({"requests": [{"statements": [{"profile": "main", "fingerprint": "8f3a11c0", "text": TEXT}]}]}),
    ],
    ids=["a record", "behind a collector's words", "below a key", "in a list", "of the page of development"],
)
def test_a_statement_is_found_wherever_it_is_told(line: str) -> None:
    assert find_told(["nothing\n", line], "8f3a11c0") == [FOUND]
    assert find_told([line], "8f3a") == [FOUND]


def test_what_does_not_tell_the_statement_is_passed_by() -> None:
    lines = [
        "main  query 812 ms  waited 3 ms  SELECT orders (8f3a11c0)  app/orders.py:41 in open_orders",
        json.dumps({"profile": "main", "fingerprint": "8f3a11c0"}),
        json.dumps({**RECORD, "statement": ""}),
        json.dumps({**RECORD, "fingerprint": "008f3a11"}),
        json.dumps({**RECORD, "fingerprint": None, "place": "8f3a11c0"}),
        json.dumps(RECORD)[:-2],
        '{"a":' * 100_000 + "8f3a11c0",
    ]

    assert find_told(lines, "8f3a11c0") == []


def test_the_same_statement_is_one_and_other_profiles_are_others() -> None:
    other = {**RECORD, "profile": "search"}

    found = find_told([json.dumps(each) for each in (RECORD, other, RECORD)], "8f3a11c0")

    assert [told.profile for told in found] == ["main", "search"]


def test_a_statement_that_was_cut_has_no_plan() -> None:
    text = statement_text("SELECT " + ", ".join(f"column_{number}" for number in range(400)), "sqlite").text
    assert SlowQuery("main", "statement", 0.0, 1.0, None, "8f3a11c0", text, "").statement == text

    with pytest.raises(ConfigError, match=f"first {LONGEST_SHOWN} characters"):
        whole_text(text)

    assert whole_text(TEXT) == TEXT
