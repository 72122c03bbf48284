"""Write what commands and programs really print into the pages of the documentation.

Usage: `python scripts/renew_pages.py [PAGE...]`; all pages that tests follow when none is named. Read the diff: a
page that no longer says what it should is a finding, not a chore.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.contract.test_docs import PAGES  # noqa: E402 - the tests beside the script
from tests.pages import Block, Scenario, steady  # noqa: E402 - as above


class Renewal(Scenario):
    """Follows a page and keeps what differs, by the line of its block."""

    def __init__(self, page: Path, folder: Path) -> None:
        super().__init__(page, folder)
        self.renewed: dict[int, str] = {}

    def compare(self, printed: str, shown: str, block: Block) -> None:
        """Keep what is printed where it differs from what is shown."""
        actual = self.plain(printed)
        if steady(actual) != steady(shown):
            self.renewed[block.line] = actual


def renew(page: Path) -> int:
    """Rewrite a page; the number of blocks that changed."""
    with tempfile.TemporaryDirectory() as folder:
        renewal = Renewal(page, Path(folder).resolve())
        renewal.follow()
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for line in sorted(renewal.renewed, reverse=True):
        end = lines.index("```\n", line)
        lines[line:end] = [renewal.renewed[line]]
    page.write_text("".join(lines), encoding="utf-8")
    return len(renewal.renewed)


def main(arguments: list[str]) -> int:
    """Renew the pages."""
    for page in [Path(name).resolve() for name in arguments] or PAGES:
        if changed := renew(page):
            print(f"{page.relative_to(ROOT)}: {changed} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
