"""What the documentation shows is what happens: every block is written, run and compared (see `tests.pages`)."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.pages import ROOT, Scenario, blocks

DOCS = ROOT / "docs"
README = ROOT / "README.md"
INDEX = DOCS / "index.md"
RECORDS = sorted((DOCS / "adr").glob("*.md"))
GENERATED = sorted((DOCS / "reference").glob("*.md"))
PAGES = [README, *(page for page in sorted(DOCS.rglob("*.md")) if page not in (*RECORDS, *GENERATED))]
EVERYTHING = [*PAGES, *RECORDS, *GENERATED, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
JUDGED = {"toml", "yaml", "python", "console"}
"""Languages whose blocks must say what they are; the rest is text or commands of other programs."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_TEST_FILE = re.compile(r"\b(tests/(?:unit|integration|contract|hosts|faults)/[\w/]+\.py)(?:::(\w+))?")
_TEST_NAME = re.compile(r"`(test_\w+)`")
_README_PART = re.compile(r"^ *# README: from here\n(.*?)^ *# README: to here\n", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> list[str]:
    return _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def readme_part(path: Path) -> str:
    """The part of a file that pages show: all of it, or what stands between its README marks."""
    text = path.read_text(encoding="utf-8")
    part = _README_PART.search(text)
    return textwrap.dedent(part[1]) if part else text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path) -> None:
    Scenario(page, tmp_path).follow()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    silent = [block.line for block in blocks(page.read_text("utf-8")) if block.language in JUDGED and not block.marks]

    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_shows_of_the_examples_is_what_stands_there(page: Path) -> None:
    shown = [(block.argument("from"), block.text) for block in blocks(page.read_text(encoding="utf-8"))]

    different = [path for path, text in shown if path and text != readme_part(ROOT / path)]

    assert different == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_lines_out_of_an_example_stand_there(page: Path) -> None:
    shown = [(block.argument("out of"), block.text) for block in blocks(page.read_text(encoding="utf-8"))]

    different = [path for path, text in shown if path and text not in (ROOT / path).read_text(encoding="utf-8")]

    assert different == []


@pytest.mark.parametrize("page", EVERYTHING, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if link.startswith(("https://", "http://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", EVERYTHING, ids=name_of)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    """`tests/...py::test_name`; a name alone belongs to the file that the page names first."""
    said = page.read_text(encoding="utf-8")
    files = _TEST_FILE.findall(said)
    named = [(path, name) for path, name in files if name]
    named += [(files[0][0], name) for name in _TEST_NAME.findall(said)] if files else []

    gone = [path for path, _ in files if not (ROOT / path).exists()]
    gone += [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")]

    assert gone == []


def test_the_error_catalogue_says_what_the_loader_says() -> None:
    command = [sys.executable, "scripts/build_errors.py", "--check"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_index_leaves_no_page_out() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(INDEX)}

    assert [name_of(page) for page in sorted(DOCS.rglob("*.md")) if page != INDEX and page not in listed] == []


@pytest.mark.parametrize("page", EVERYTHING, ids=name_of)
def test_a_page_has_one_title(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))

    assert len(re.findall(r"^# \S", text, re.MULTILINE)) == 1


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]

    assert numbers == sorted(set(numbers))
