"""What layers find wrong is told once, and never more than is printed."""

from __future__ import annotations

from myfy_data.layers.layer import MOST_PROBLEMS, Findings, Layer
from myfy_data.origins import KeyPath, Origin


def test_the_same_problem_is_kept_once() -> None:
    findings = Findings()

    for _ in range(3):
        findings.problem("here", ("a",), "is wrong", fix="mend it")
        findings.warning("here", ("a",), "is odd")

    assert (len(findings.problems), len(findings.warnings)) == (1, 1)


def test_problems_are_kept_up_to_a_bound() -> None:
    findings = Findings()

    for number in range(MOST_PROBLEMS + 50):
        findings.problem(f"line {number}", (), "is wrong")

    assert findings.is_full
    assert len(findings.problems) == MOST_PROBLEMS


def locate(path: KeyPath) -> Origin:
    return Origin(".".join(path))


def test_flat_keys_keep_the_place_where_they_stand() -> None:
    layer = Layer("x", 1, locate, flat={"echo": True, "sqlite": {"a": 1}}, profiles={"main": {"sqlite": {"b": 2}}})

    layer.adopt_flat("main")

    assert layer.profiles["main"] == {"echo": True, "sqlite": {"a": 1, "b": 2}}
    assert layer.origin(("profiles", "main", "echo")).source == "echo"
    assert layer.origin(("profiles", "main", "sqlite", "a")).source == "sqlite.a"
    assert layer.origin(("profiles", "main", "sqlite", "b")).source == "profiles.main.sqlite.b"
    assert layer.origin(("profiles", "other", "echo")).source == "profiles.other.echo"


def test_handing_over_flat_keys_changes_no_table_of_the_file() -> None:
    table = {"sqlite": {"b": 2}}
    layer = Layer("x", 1, locate, flat={"sqlite": {"a": 1}}, profiles={"main": table})

    layer.adopt_flat("main")

    assert table == {"sqlite": {"b": 2}}
