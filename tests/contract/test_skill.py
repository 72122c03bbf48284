"""The skill for coding agents that the package carries: small, whole, and what it shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from myfy_data.cli import main
from tests.pages import ROOT, Scenario, blocks
from tests.sandbox import package_parent

SKILL = package_parent() / "myfy_data" / "skill"
PAGES = sorted(SKILL.rglob("*.md"))
JUDGED = {"toml", "yaml", "python", "console"}


def name_of(page: Path) -> str:
    return page.relative_to(SKILL).as_posix()


def test_the_package_has_a_skill_and_its_references() -> None:
    assert "SKILL.md" in {name_of(page) for page in PAGES}
    assert len(PAGES) == 6


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_of_the_skill_shows_what_happens(page: Path, tmp_path: Path) -> None:
    Scenario(page, tmp_path).follow()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    silent = [block.line for block in blocks(page.read_text("utf-8")) if block.language in JUDGED and not block.marks]

    assert silent == []


def test_the_head_says_when_to_use_it() -> None:
    head = yaml.safe_load((SKILL / "SKILL.md").read_text(encoding="utf-8").split("---\n")[1])

    assert head["name"] == "myfy-data"
    assert 80 < len(head["description"]) < 1024


def lines_for_agents() -> str:
    """What the page on coding agents gives to `AGENTS.md`."""
    page = (ROOT / "docs" / "how-to" / "coding-agents.md").read_text(encoding="utf-8")
    return next(block.text for block in blocks(page) if block.language == "text")


def test_the_lines_for_agents_name_commands_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    named = re.findall(r"myfy-data ([a-z]+ [a-z]+)(?: (--?[a-z-]+))?", lines_for_agents())

    assert len(named) >= 5
    for command, option in named:
        assert main([*command.split(), "--help"]) == 0, command
        assert option in capsys.readouterr().out, (command, option)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_is_small_enough_to_be_read_whole(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < 200


def test_the_skill_names_each_of_its_references() -> None:
    named = re.findall(r"\]\((references/[\w-]+\.md)\)", (SKILL / "SKILL.md").read_text(encoding="utf-8"))

    assert sorted(named) == [name_of(page) for page in PAGES if page.parent != SKILL]
