"""What counts as a difference, and what as explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compliance.comparison import Comparison, differences_of, explained, same_of, unneeded
from tests.compliance.page import page
from tests.compliance.reasons import REASONS, Reason
from tests.compliance.results import keep, kept, missing
from tests.compliance.runs import Record, server_of
from tests.compliance.sources import REQUIREMENTS, SourceError, pinned

ON_POSTGRESQL = "test/a.py::ATest_postgresql+asyncpg_async_15_20::"


def judged(test: str, phase: str, verdict: str) -> str:
    """What a process writes of a phase of a test."""
    event = {"event": "verdict", "id": ON_POSTGRESQL + test, "phase": phase, "verdict": verdict, "text": "why"}
    return json.dumps(event)


def record(**verdicts: str) -> Record:
    """A finished run."""
    found = Record()
    found.read(
        [
            *(judged(test, "call", verdict) for test, verdict in verdicts.items()),
            json.dumps({"event": "end", "made": {"ours": 1}}),
        ]
    )
    return found


def test_a_test_is_known_without_the_server_it_ran_on() -> None:
    assert list(record(test_one="passed").verdicts) == ["test/a.py::ATest::test_one"]


def test_the_same_verdict_is_no_difference_even_when_it_is_a_failure() -> None:
    plain, ours = record(test_one="failed", test_two="passed"), record(test_one="failed", test_two="passed")

    assert differences_of("postgresql", plain, ours) == []
    assert same_of(plain, ours) == {"failed": 1, "passed": 1}


def test_another_verdict_differs_and_so_does_a_test_that_ran_on_one_engine_only() -> None:
    plain, ours = record(test_one="passed", test_two="passed"), record(test_one="failed", test_three="passed")

    found = differences_of("postgresql", plain, ours)

    assert [(each.test.rpartition("::")[2], each.plain, each.ours) for each in found] == [
        ("test_one", "passed", "failed"),
        ("test_three", "did not run", "passed"),
        ("test_two", "passed", "did not run"),
    ]


def test_an_error_after_a_test_that_passed_is_its_verdict() -> None:
    found = record(test_one="passed")

    found.read([judged("test_one", "teardown", "failed")])

    assert found.verdicts == {"test/a.py::ATest::test_one": "error"}


def test_a_reason_holds_for_its_databases_and_the_others_stay_unexplained() -> None:
    reason = Reason("::test_one$", "because", ("sqlite",))
    plain, ours = record(test_one="passed"), record(test_one="failed")
    comparisons = [
        Comparison(each, "engine", differences=explained(differences_of(each, plain, ours), [reason]))
        for each in ("sqlite", "postgresql")
    ]

    assert [len(each.unexplained) for each in comparisons] == [0, 1]
    assert "no reason is known" in page(comparisons)


def test_a_reason_that_no_difference_needs_is_told() -> None:
    needed, idle = Reason("::test_one$", "because"), Reason("::test_two$", "once upon a time")
    found = explained(differences_of("sqlite", record(test_one="passed"), record(test_one="failed")), [needed, idle])

    assert unneeded([Comparison("sqlite", "engine", differences=found)], [needed, idle]) == [idle]


def test_a_reason_may_ask_for_what_the_test_said() -> None:
    reason = Reason("", "because", says="^why$")

    assert reason.fits("sqlite", "test_one", "why")
    assert not reason.fits("sqlite", "test_one", "how")


def test_what_was_kept_is_explained_by_the_reasons_of_today(tmp_path: Path) -> None:
    plain, ours = record(test_one="passed", test_two="passed"), record(test_one="failed", test_two="passed")
    keep(tmp_path, Comparison("sqlite", "sql", same_of(plain, ours), differences_of("sqlite", plain, ours)))
    reason = Reason("::test_one$", "because")

    (comparison,) = kept(tmp_path, ["sqlite", "mysql"], ["sql"], [reason])

    assert comparison.same == {"passed": 1}
    assert [each.reason for each in comparison.differences] == [reason]
    assert missing([comparison], ["sqlite", "mysql"], ["sql"]) == ["sql on mysql"]


def test_the_servers_version_is_in_the_names_of_the_tests() -> None:
    assert server_of(["test/a.py::BTest::test_one", ON_POSTGRESQL + "test_two"]) == "15.20"


def test_no_reason_fits_every_test() -> None:
    assert [reason for reason in REASONS if reason.fits(reason.databases[0], "test/a.py::ATest::test_one", "")] == []


def test_only_a_source_whose_hash_is_known_is_run() -> None:
    with pytest.raises(SourceError, match=r"add `sqlalchemy==0.0.1 --hash=sha256:\.\.\.` to sdists\.txt"):
        pinned("0.0.1", REQUIREMENTS.read_text(encoding="utf-8"))
