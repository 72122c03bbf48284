"""The demo is the first look, and fails when a step does not show what it says."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

DEMO = Path("examples/quickstart/demo.py")


def copy_to(folder: Path) -> Path:
    """Copy what the demo uses of the repository: itself; the shop comes with the package."""
    (folder / DEMO).parent.mkdir(parents=True)
    (folder / ".git").mkdir()
    shutil.copy(ROOT / DEMO, folder / DEMO)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_to(tmp_path / "clone")


@dataclass(frozen=True)
class Shown:
    """Two runs of the demo in an environment with other settings, and the files that they left."""

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
        timeout=3 * RUN_TIMEOUT,  # eleven commands and a server
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
    assert "pool 99" not in shown.first.stdout


def test_the_demo_shows_a_masked_password_with_its_origin(shown: Shown) -> None:
    assert "    config/production.toml:5:1   profiles.main.password = ***\n" in shown.first.stdout
    assert [line for line in shown.first.stdout.splitlines() if "swordfish" in line and not line.startswith("$")] == []


def test_the_demo_is_coloured_on_a_terminal(clone: Path) -> None:
    ours, theirs = pty.openpty()
    replace(clone / DEMO, '("db", "upgrade", "--all")', '("db", "frobnicate")')  # the first lines will do
    environ = child_environment() | {"TERM": "xterm-256color"}
    with subprocess.Popen([sys.executable, str(DEMO)], cwd=clone, env=environ, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = read_all(ours)
        process.wait(RUN_TIMEOUT)
    os.close(ours)

    assert "\x1b[1m== 1. A project with two databases, and their migrations ==" in said
    assert "\x1b[36m$ myfy-data new shop" in said


def read_all(descriptor: int) -> str:
    pieces = []
    with suppress(OSError):  # Linux says so when the other end is closed
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


def test_the_demo_leaves_nothing_that_git_shows(shown: Shown) -> None:
    assert shown.left == {".demo"}
    assert ".demo/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("old", "new", "claim"),
    [
        ('"sqlite:///analytics.db"', '"sqlite:///missing/analytics.db"', "db upgrade --all` ends with 0"),
        ('command("db", "seed")', 'command("db", "current")', "the seeds are stored"),
        ("(500, 409)", "(5, 409)", "5 apples are answered 409"),
        ("(2, 201)", "(3, 201)", "one order is stored"),
        ('variables={"MYFY_DATA_POOL_SIZE": "7"}', "variables={}", "the variable is the winner"),
        ('"pool_sise = 5"', '"pool_size = 5"', "config check` ends with 2"),
        ("{address}/_data?json", "{address}/_date?json", "the page is there"),
    ],
)
def test_the_demo_fails_when_a_claim_does_not_hold(clone: Path, old: str, new: str, claim: str) -> None:
    replace(clone / DEMO, old, new)

    done = run_demo(clone)

    assert done.returncode == 1
    assert claim in done.stderr
