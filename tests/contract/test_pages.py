"""The follower of pages notices when a page is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import Scenario, blocks


def follow(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    folder = tmp_path / "projects"
    folder.mkdir()
    Scenario(page, folder).follow()


def block(mark: str, language: str, text: str) -> str:
    return f"<!-- {mark} -->\n```{language}\n{text}\n```\n"


GOOD_FILE = '[data.profiles.main]\ndatabase_url = "sqlite://"'
CHECK = "$ myfy-data config check\n1 file, 1 profile, 0 errors, 0 warnings"


def test_a_page_that_is_right_passes(tmp_path: Path) -> None:
    follow(tmp_path, block("file: myfy.toml", "toml", GOOD_FILE) + block("run", "console", CHECK))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(block("file: myfy.toml", "toml", "[data]\npool_sise = 1"), id="a file that does not load"),
        pytest.param(block("file: myfy.toml, refused", "toml", GOOD_FILE), id="a file that should not load"),
        pytest.param(block("run", "console", CHECK), id="another output"),
        pytest.param(block("run, exit 2", "console", "$ true"), id="another exit code"),
        pytest.param(block("run", "console", "$ false\n$ true"), id="a command that fails before the last"),
        pytest.param(block("run python", "python", "print(1)"), id="an output that is not shown"),
        pytest.param(
            block("run python", "python", "print(1)") + block("output", "text", "2"), id="an output that is not printed"
        ),
        pytest.param(block("run python", "python", "raise SystemExit(1)"), id="a program that fails"),
    ],
)
def test_a_page_that_is_wrong_fails(tmp_path: Path, text: str) -> None:
    with pytest.raises(AssertionError, match=r"page\.md"):
        follow(tmp_path, text)


def test_a_mark_belongs_to_the_next_block_only() -> None:
    text = block("run", "console", "$ true") + "```console\n$ false\n```\n<!-- run -->\n\nwords\n\n```sh\nfalse\n```\n"

    assert [found.marks for found in blocks(text)] == [("run",), (), ()]


def test_a_new_project_is_empty(tmp_path: Path) -> None:
    listing = block("run", "console", "$ ls")

    follow(tmp_path, block("file: notes.txt", "text", "x") + "<!-- new project -->\n" + listing)
