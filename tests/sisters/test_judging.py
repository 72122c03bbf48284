"""What judges the other packages' tests and the page would notice what it is there to notice."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.sisters import page
from tests.sisters.environment import LOCK, StepError
from tests.sisters.suites import SUITES, Suite, judged, pinned


def report(tests: int = 3, failures: int = 0, errors: int = 0, skipped: int = 0) -> ET.Element:
    return ET.fromstring(
        f'<testsuites><testsuite tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"/>'
        "</testsuites>"
    )


def test_a_suite_whose_tests_all_pass_is_right() -> None:
    assert judged(Suite("shop", 3), report()) == ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (report(tests=2), "2 tests in place of 3"),
        (report(failures=1), "1 failed"),
        (report(errors=1), "1 failed"),
        (report(skipped=1), "1 skipped"),
    ],
)
def test_a_test_that_fails_or_is_not_run_is_told(found: ET.Element, words: str) -> None:
    assert words in judged(Suite("shop", 3), found)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.package)
def test_each_suite_is_locked_with_the_hashes_of_its_files(suite: Suite) -> None:
    lines = pinned(suite.package, LOCK.read_text(encoding="utf-8")).splitlines()

    assert lines[0].startswith(f"{suite.package}==")
    assert len(lines) > 1
    assert all(line.startswith("    --hash=sha256:") for line in lines[1:])


def block(mark: str, text: str) -> str:
    return f"<!-- {mark} -->\n```console\n{text}\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        block("there", "$ echo yes\nyes\n$ printf 'a\\nb\\nc\\n'\na\n...\nc"),
        block("there, exit 1", "$ true\n$ echo no; exit 1\nno"),
        "<!-- there: notes.txt -->\n```text\nkept\n```\n" + block("there", "$ cat notes.txt\nkept"),
    ],
)
def test_a_page_that_is_right_passes(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")

    page.judge(tmp_path / "page.md")


@pytest.mark.parametrize(
    "text",
    [
        block("there", "$ echo yes\nno"),
        block("there", "$ false\n$ true"),
        block("there", "$ false"),
        block("there, exit 1", "$ true"),
    ],
)
def test_a_page_that_is_wrong_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")

    with pytest.raises(StepError, match="line 2 of the page"):
        page.judge(tmp_path / "page.md")
