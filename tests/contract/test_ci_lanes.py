"""CI's lanes run side by side, and the first failure ends all of them."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import RUN_TIMEOUT

LANES = Path(__file__).parents[2] / ".ci/lanes.py"


def _loaded() -> Any:
    found = importlib.util.spec_from_file_location("ci_lanes", LANES)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # where dataclasses look for what their annotations name
    found.loader.exec_module(module)
    return module


lanes: Any = _loaded()

WAITS = """\
import pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
print("met")
"""
"""Touch one file and wait for the other: two of these end only beside each other."""

HANGS = """\
import os, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
path.with_suffix(".part").write_text(str(os.getpid()))
path.with_suffix(".part").rename(path)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "waits.py").write_text(WAITS, encoding="utf-8")
    (tmp_path / "hangs.py").write_text(HANGS, encoding="utf-8")
    return tmp_path


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The tool at work; ended after the block, and all that it started with it."""
    command = [sys.executable, "-u", str(LANES), "--logs", str(folder), *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Its exit code, and what it said."""
    with started(folder, *arguments) as process:
        said, _ = process.communicate(timeout=RUN_TIMEOUT)
        return process.returncode, said


def step(script: str, *arguments: str) -> str:
    return " ".join([sys.executable, script, *arguments])


def is_alive(path: Path) -> bool:
    """Whether the process that wrote its number there still runs."""
    return Path(f"/proc/{path.read_text(encoding='utf-8')}").exists()


def test_two_lanes_run_beside_each_other(folder: Path) -> None:
    code, said = run(folder, f"one: {step('waits.py', 'a', 'b')}", f"two: {step('waits.py', 'b', 'a')}")

    assert code == 0, said
    assert {"one | met", "two | met"} <= set(said.splitlines())
    assert (folder / "one.log").read_text(encoding="utf-8") == "met\n"


def test_no_more_lanes_run_at_once_than_are_allowed(folder: Path) -> None:
    code, said = run(
        folder, "--at-once", "1", f"one: {step('waits.py', 'a', 'a')}", f"two: {step('waits.py', 'b', 'b')}"
    )

    assert code == 0
    assert said.index("one | met") < said.index("two | ===")


def test_the_first_failure_ends_the_other_lane_and_is_named(folder: Path) -> None:
    there = folder / "there"
    (folder / "fails.py").write_text("print('why')\nraise SystemExit(3)\n", encoding="utf-8")
    fails = step("fails.py")

    code, said = run(
        folder,
        f"long: {step('hangs.py', 'there')}; never",
        f"short: {step('waits.py', 'x', 'there')}; {fails}; never",
        "later: never",
    )

    assert code == 1
    assert said.endswith(f"FAILED in lane short: {fails} (exit code 3)\n")
    assert "\nwhy\n" in said  # once more, without the lane's name
    assert "=== never" not in said
    assert not is_alive(there)


def test_a_step_that_falls_silent_is_ended_and_named(folder: Path) -> None:
    hangs = step("hangs.py", "there")

    code, said = run(folder, "--silence", "3", f"slow: {hangs}")

    assert code == 1
    assert said.endswith(f"FAILED in lane slow: {hangs} (silent for 0.05 min)\n")


def test_a_step_that_goes_on_speaking_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dot begins a new wait, as pytest prints them: lines may be far apart."""
    waits: list[object] = []
    select = lanes.select.select

    def noted(*arguments: Any) -> Any:
        waits.append(arguments[-1])
        return select(*arguments)

    monkeypatch.setattr(lanes.select, "select", noted)
    monkeypatch.chdir(folder)
    (folder / "dots.py").write_text(
        "import sys\nprint(end='.', flush=True)\nsys.stdin.read()\nprint('. done')\n", encoding="utf-8"
    )
    said: list[str] = []

    result = lanes.Step("slow", step("dots.py"), said.append, folder / "log").wait(600.0)

    assert (result.failure, said) == ("", ["slow | .. done\n"])
    assert set(waits) == {600.0}
    assert len(waits) > 1


def test_a_step_that_cannot_be_started_is_a_failure(folder: Path) -> None:
    code, said = run(folder, "odd: no-such-program", f"long: {step('hangs.py', 'there')}")

    assert code == 1
    assert "FAILED in lane odd: no-such-program (cannot be started: " in said


def test_told_to_stop_it_takes_its_lanes_with_it(folder: Path) -> None:
    there = folder / "there"
    with started(folder, f"long: {step('hangs.py', 'there')}", f"watch: {step('waits.py', 'x', 'there')}") as process:
        while "watch | met" not in (process.stdout.readline() if process.stdout else ""):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=RUN_TIMEOUT)

    assert process.returncode == 128 + signal.SIGTERM
    assert said.endswith("ENDED from outside by SIGTERM\n")
    assert not is_alive(there)


@pytest.mark.parametrize("lane", ["no colon", "name:", ": step", "name: ; "])
def test_a_lane_that_cannot_be_read_is_refused(folder: Path, lane: str) -> None:
    code, said = run(folder, lane)

    assert code == 2
    assert "invalid" in said


def test_a_lane_has_servers_of_its_own_unless_they_are_named(tmp_path: Path) -> None:
    named = {"MYFY_TEST_POSTGRESQL_URL": "postgresql://named/x"}
    shows = "import os; print(*(os.environ[f'MYFY_TEST_{kind}_URL'] for kind in ('POSTGRESQL', 'MYSQL')))"

    done = subprocess.run(
        [sys.executable, "-m", "tests.lane_servers", sys.executable, "-c", shows],
        cwd=LANES.parents[1],
        env={**os.environ, "MYFY_TEST_MYSQL_URL": "", **named},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        check=True,
    )

    postgresql, mysql = done.stdout.split()
    assert postgresql == "postgresql://named/x"
    assert mysql.startswith("mysql+aiomysql://root@127.0.0.1:")
    assert ":3306" not in mysql
