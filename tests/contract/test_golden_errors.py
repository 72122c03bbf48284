"""Configuration errors, word for word, and whether following each printed fix mends the project (contract C3.11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.cases import CASES, GROUPS
from tests.golden.fixes import apply
from tests.golden.project import HERE, SECRET, Case, Project, golden_file

EVERY = pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES.keys())


@EVERY
def test_the_error_is_worded_as_written_down(name: str, case: Case, tmp_path: Path) -> None:
    """The line that renews the files: `python -m tests.golden.write`."""
    project = Project(tmp_path.resolve(), case)

    error = project.error()

    assert error is not None
    assert project.said(error) + "\n" == golden_file(name).read_text(encoding="utf-8")


@EVERY
def test_following_the_fixes_mends_the_project(name: str, case: Case, tmp_path: Path) -> None:
    """Every problem's fix is applied as printed, the lowest line first, so that places above it stay true."""
    project = Project(tmp_path.resolve(), case)
    error = project.error()
    assert error is not None

    if case.mend is not None:
        case.mend(project)
    else:
        for problem in reversed(error.problems):
            apply(project, problem)

    assert project.error() is None, (name, error)


@EVERY
def test_no_error_shows_the_secret(name: str, case: Case, tmp_path: Path) -> None:
    """Neither the text that is written down nor any representation of the error and what it is chained to."""
    error = Project(tmp_path.resolve(), case).error()
    assert error is not None
    texts = [golden_file(name).read_text(encoding="utf-8"), str(error), repr(error), repr(error.problems)]

    assert not [text for text in texts if SECRET in text]
    assert (error.__cause__, error.__context__) == (None, None)


@EVERY
def test_every_problem_names_a_fix(name: str, case: Case, tmp_path: Path) -> None:
    error = Project(tmp_path.resolve(), case).error()

    assert error is not None
    assert [problem for problem in error.problems if not problem.fix] == [], name


def test_every_case_has_a_file_and_a_name_of_its_own() -> None:
    assert len(CASES) == sum(map(len, GROUPS))
    assert {golden_file(name) for name in CASES} == set(HERE.glob("*.txt"))
