"""The demo shows the main job, and fails when a step does not show what it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

DEMO = Path("examples/quickstart/demo.py")


def copy_to(folder: Path) -> Path:
    """Copy what the demo uses of the repository: itself, myfy.toml and config/."""
    (folder / DEMO).parent.mkdir(parents=True)
    (folder / ".git").mkdir()
    shutil.copy(ROOT / DEMO, folder / DEMO)
    shutil.copy(ROOT / "myfy.toml", folder)
    shutil.copytree(ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("local.*"))
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_to(tmp_path / "clone")


@dataclass(frozen=True)
class Shown:
    """Two runs of the demo by somebody with settings of their own, and the files that they left."""

    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    left: set[str]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    clone = copy_to(tmp_path_factory.mktemp("demo") / "clone")
    before = set(clone.rglob("*"))
    first = run_demo(clone, MYFY_DATA_POOL_SIZE="99", MYFY_DATA_NO_SUCH_KEY="x")
    second = run_demo(clone, FORCE_COLOR="1")
    return Shown(first, second, {path.relative_to(clone).parts[0] for path in set(clone.rglob("*")) - before})


def run_demo(clone: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(DEMO)],
        cwd=clone,
        env=child_environment() | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_demo_ends_well(shown: Shown) -> None:
    assert (shown.first.returncode, shown.first.stderr) == (0, "")


def test_the_demo_can_run_twice(shown: Shown) -> None:
    assert (shown.second.returncode, shown.second.stderr) == (0, "")


def test_the_demo_is_plain_text_when_piped(shown: Shown) -> None:
    assert "\x1b" not in shown.second.stdout


def test_the_demo_shows_no_settings_of_the_person_who_runs_it(shown: Shown) -> None:
    assert "99" not in shown.first.stdout


def test_the_demo_leaves_nothing_that_git_shows(shown: Shown) -> None:
    assert shown.left == {".demo"}
    assert ".demo/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("file", "old", "new", "claim"),
    [
        ("config/development.toml", "pool_timeout = 5.0", "echo = false", "pool_timeout = 5.0 comes from"),
        ("myfy.toml", "pool_size = 5", "pool_size = 50", "the file is covered"),
        ("myfy.toml", "analytics.db", "missing/analytics.db", "analytics answers as SQLite"),
        (str(DEMO), "            give_up()", "            pass", "the row is not stored"),
        (str(DEMO), "await session.flush()", "await session.rollback()", "the INSERT took place"),
        (str(DEMO), '"pool_sise = 5"', '"pool_size = 5"', "config check` ends with 2"),
    ],
)
def test_the_demo_fails_when_a_claim_does_not_hold(clone: Path, file: str, old: str, new: str, claim: str) -> None:
    replace(clone / file, old, new)

    done = run_demo(clone)

    assert done.returncode == 1
    assert claim in done.stderr
