"""`scripts/find-python` takes the first Python that really works, and says why it left the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/find-python"
REAL = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
FAILING_SHIM = "#!/bin/sh\necho 'shim: command not found' >&2\nexit 127\n"
TOO_OLD = "#!/bin/sh\necho 'is Python 3.9, not 3.11 to 3.15' >&2\nexit 1\n"


class Machine:
    """A machine whose only programs are those that a test puts there."""

    def __init__(self, path: Path) -> None:
        self.bin = path / "bin"
        self.pyenv = path / "pyenv"
        self.bin.mkdir()
        for tool in ("sh", "head"):
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)

    def add(self, program: Path, text: str) -> None:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def find(self, python: str = "") -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(self.bin), "PYENV_ROOT": str(self.pyenv), "PYTHON": python}
        return subprocess.run(["sh", str(SCRIPT)], env=environ, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_python_that_works_is_taken_and_named(machine: Machine) -> None:
    machine.add(machine.bin / "python3", REAL)

    found = machine.find()

    assert found.stdout == f"{sys.executable}\n"
    assert f"python: {sys.executable}" in found.stderr


def test_a_shim_that_fails_is_passed_over(machine: Machine) -> None:
    machine.add(machine.bin / "python3.13", FAILING_SHIM)
    machine.add(machine.bin / "python3", REAL)

    assert machine.find().stdout == f"{sys.executable}\n"


def test_a_version_that_only_pyenv_knows_is_found(machine: Machine) -> None:
    machine.add(machine.bin / "python3.12", FAILING_SHIM)
    machine.add(machine.pyenv / "versions/3.12.1/bin/python3.12", REAL)

    assert machine.find().stdout == f"{sys.executable}\n"


def test_python_3_13_comes_before_3_11(machine: Machine) -> None:
    machine.add(machine.bin / "python3.11", FAILING_SHIM)
    machine.add(machine.pyenv / "versions/3.13.0/bin/python3.13", REAL)

    assert "python3.11" not in machine.find().stderr


def test_a_chosen_python_leaves_no_choice(machine: Machine) -> None:
    machine.add(machine.bin / "python3.12", TOO_OLD)
    machine.add(machine.bin / "python3", REAL)

    found = machine.find(python="python3.12")

    assert found.returncode == 1
    assert "python3.12: is Python 3.9, not 3.11 to 3.15" in found.stderr


def test_a_chosen_name_is_looked_up_in_pyenv_too(machine: Machine) -> None:
    machine.add(machine.bin / "python3.12", FAILING_SHIM)
    machine.add(machine.pyenv / "versions/3.12.1/bin/python3.12", REAL)

    assert machine.find(python="python3.12").stdout == f"{sys.executable}\n"


def test_a_machine_without_a_usable_python_is_told_what_was_tried(machine: Machine) -> None:
    machine.add(machine.bin / "python3", FAILING_SHIM)

    found = machine.find()

    assert found.returncode == 1
    assert f"{machine.bin}/python3: shim: command not found" in found.stderr
    assert "fix: install Python" in found.stderr
