"""The page on what is stored when shows what the tests hold every host to."""

from __future__ import annotations

import subprocess
import sys

from tests.hosts.outcomes import HOSTS, ROWS
from tests.pages import ROOT

SCRIPT = ROOT / "scripts" / "build_stored.py"


def test_the_page_is_fresh() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_row_has_a_line_of_its_own() -> None:
    page = (ROOT / "docs" / "explanation" / "what-is-stored-when.md").read_text(encoding="utf-8")

    assert len({row.title for row in ROWS}) == len(ROWS)
    assert [row.title for row in ROWS if page.count(f"| {row.title} |") != 1] == []
    assert {host for row in ROWS for host in row.without} <= set(HOSTS)
