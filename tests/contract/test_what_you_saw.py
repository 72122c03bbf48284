"""The page of errors by what was seen: its words are those of the package, and its exceptions are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import myfy_data
from tests.pages import ROOT
from tests.sandbox import package_parent

PAGE = ROOT / "docs" / "how-to" / "what-you-saw.md"
_ROW = re.compile(r"^\| (`.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_EXCEPTION = re.compile(r"`([A-Z]\w+(?:Error|Exhausted|Unknown))`")
OTHERS = {"IntegrityError", "DBAPIError"}


def section(title: str) -> list[tuple[str, str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    return _ROW.findall(text.partition(f"## {title}\n")[2].partition("\n## ")[0])


WORDS = [words for cell, _, _ in section("Words") for words in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def source() -> str:
    """All texts of the package, those that go over a line's end in one piece."""
    paths = sorted(Path(package_parent(), "myfy_data").rglob("*.py"))
    return re.sub(r'"\s+f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in paths))


@pytest.mark.parametrize("words", WORDS)
def test_the_words_are_those_of_a_message(words: str, source: str) -> None:
    assert words in source


def test_every_exception_of_the_page_is_exported() -> None:
    named = set(_EXCEPTION.findall(PAGE.read_text(encoding="utf-8"))) - OTHERS

    assert named > {"PoolExhausted", "CommitOutcomeUnknown"}
    assert [name for name in named if not hasattr(myfy_data, name)] == []


@pytest.mark.parametrize(
    ("title", "code"), [("SQLSTATEs of PostgreSQL", r"[0-9A-Z]{5}"), ("Numbers of MySQL and MariaDB", r"\d{4}")]
)
def test_a_code_stands_in_one_row(title: str, code: str) -> None:
    codes = [found for cell, _, _ in section(title) for found in re.findall(r"`([^`]+)`", cell)]

    assert all(re.fullmatch(code, found) for found in codes)
    assert len(codes) == len(set(codes)) > 10
