"""Every promise that is cited stands on the page of promises, and each promise there is held by tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "promises.md"
CITED_IN = ("myfy_data", "myfy", "tests", "scripts", "examples", "benchmarks", ".ci", "docs")

_CITED = re.compile(r"\b(?:contract (C\d+(?:\.\d+)?)|seed (S\d+))\b")
_HEADING = re.compile(r"^##+ ((?:C|S)\d*(?:\.\d+)?) ", re.MULTILINE)
_HELD = re.compile(r"^\*Held by\* (.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """The number of each promise and the text below it, up to the next number."""
    parts = _HEADING.split(PAGE.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def sources() -> list[Path]:
    found = [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder in CITED_IN:
        found += [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".py", ".md"}]
    return found


def citations() -> dict[str, list[str]]:
    """The number of each promise that is cited, and the files that cite it."""
    cited: dict[str, list[str]] = {}
    for path in sources():
        for rule, seed in _CITED.findall(path.read_text(encoding="utf-8")):
            cited.setdefault(rule or seed, []).append(str(path.relative_to(ROOT)))
    return cited


def test_every_citation_leads_to_a_promise() -> None:
    astray = {number: files for number, files in citations().items() if number not in sections()}

    assert astray == {}


def test_the_code_cites_promises() -> None:
    assert len(citations()) > 30, "the search for citations finds them"


def test_a_number_is_given_once() -> None:
    numbers = _HEADING.findall(PAGE.read_text(encoding="utf-8"))

    assert sorted(numbers) == sorted(set(numbers))


@pytest.mark.parametrize("number", sections())
def test_a_promise_is_held_by_tests(number: str) -> None:
    section = sections()[number]
    is_divided = any(other.startswith(f"{number}.") or number == "S" for other in sections())
    held = " ".join(_HELD.findall(section))

    gone = [path for path in re.findall(r"`([^`]+)`", held) if not (ROOT / path).is_file()]

    assert gone == []
    assert held or is_divided
