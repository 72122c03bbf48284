"""The quickstart does what the README says it does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks
from tests.sandbox import RUN_TIMEOUT, child_environment

QUICKSTART = ROOT / "examples" / "quickstart"


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """A copy of the example, so that its databases do not stay in the repository."""
    return shutil.copytree(QUICKSTART, tmp_path / "quickstart", ignore=shutil.ignore_patterns("*.db*", "__pycache__"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )


def output_in_readme(program: str) -> str:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return next(block.text for block in blocks(page) if block.argument("output of") == program)


def test_the_quickstart_prints_what_the_readme_shows(quickstart: Path) -> None:
    done = run(quickstart, "app.py")

    assert (done.stdout, done.stderr) == (output_in_readme("examples/quickstart/app.py"), "")


def test_the_quickstart_prints_the_same_when_it_runs_again(quickstart: Path) -> None:
    first = run(quickstart, "app.py")

    assert run(quickstart, "app.py").stdout == first.stdout


def test_the_quickstart_uses_a_file_for_each_profile(quickstart: Path) -> None:
    run(quickstart, "app.py")

    assert {path.name for path in quickstart.glob("*.db")} == {"main.db", "analytics.db"}


@pytest.mark.parametrize("folder", [ROOT, QUICKSTART], ids=["repository", "quickstart"])
def test_what_production_still_needs_are_its_passwords(folder: Path) -> None:
    done = run(folder, "-m", "myfy_data", "config", "check", "--environment", "production")

    assert done.returncode == 2
    assert "profiles.main.password: needs environment variable DB_PASSWORD" in done.stdout
    assert "password_file: the secret file /run/secrets/" in done.stdout
    assert ", 2 errors, " in done.stdout
