"""The example of migrations: two databases at head when the application starts, and models that agree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

EXAMPLE = ROOT / "examples" / "migrations"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example, so that its databases do not stay in the repository."""
    copy = shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("*.db*", "__pycache__"))
    (copy / ".git").mkdir()
    return copy


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


def test_the_application_migrates_and_writes(example: Path) -> None:
    done = run(example, "main.py")

    assert (done.stdout, done.stderr) == ("customers: 1\nvisits: 1\n", "")


def test_its_models_and_its_revisions_agree(example: Path) -> None:
    run(example, "-m", "myfy_data", "db", "upgrade", "--all")

    done = run(example, "-m", "myfy_data", "db", "check", "--all")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("and the models agree") == 2


def test_the_alembic_command_drives_it_too(example: Path) -> None:
    run(example, "-m", "alembic", "upgrade", "0001")
    run(example, "-m", "alembic", "-x", "profile=analytics", "upgrade", "head")

    main, analytics = (
        run(example, "-m", "alembic", *arguments, "current").stdout for arguments in ((), ("-x", "profile=analytics"))
    )

    assert (main, analytics) == ("0001\n", "0001 (head)\n")
