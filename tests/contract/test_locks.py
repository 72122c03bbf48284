"""What `make` and CI install is locked, and is what pyproject.toml asks for (contract C16.2)."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
PIN = re.compile(r"[a-z0-9.-]+(\[[a-z,]+\])?==[A-Za-z0-9.!+]+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")


def pins(name: str, python: str) -> dict[str, str]:
    """The version of each package that a lock gives to one Python on Linux."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.rstrip("\\")) for line in lines if not line.startswith((" ", "#"))]
    return {pin.name: str(pin.specifier)[2:] for pin in found if pin.marker is None or pin.marker.evaluate(on(python))}


def on(python: str) -> dict[str, str]:
    environment = dict(default_environment())
    return {**environment, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}


def wanted(*extras: str) -> Iterator[Requirement]:
    """What pyproject.toml asks for, to build and to run."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = tables["project"]
    texts = [*tables["build-system"]["requires"], *project["dependencies"]]
    texts += [text for extra in extras for text in project["optional-dependencies"][extra]]
    yield from (Requirement(text) for text in texts if not text.startswith("myfy-data"))


def unmet(requirements: Iterator[Requirement], name: str, python: str) -> list[str]:
    """What a lock does not give to one Python, or gives in a version that is not allowed."""
    locked = pins(name, python)
    return [
        str(wish)
        for wish in requirements
        if wish.marker is None or wish.marker.evaluate(on(python))
        if not wish.specifier.contains(locked.get(wish.name.lower(), "0"), prereleases=True)
    ]


def every_extra() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["optional-dependencies"]]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: Path) -> None:
    """No index, no path: a mirror is the business of each machine."""
    header, *rest = lock.read_text(encoding="utf-8").split("\n", 1)

    assert header.endswith('Written by scripts/lock; "make lock" renews it.')
    assert PIN.sub("", rest[0]).strip() == ""


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_gives_each_python_what_the_project_asks_for(python: str) -> None:
    """After a change in pyproject.toml: `scripts/lock`."""
    assert unmet(wanted(*every_extra()), "dev.txt", python) == []
    assert unmet(wanted(), "core.txt", python) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_package_alone_gets_the_versions_that_are_tested(python: str) -> None:
    assert pins("core.txt", python).items() <= pins("dev.txt", python).items()


def test_the_lowest_lock_gives_the_lowest_version_of_each_package_that_users_get() -> None:
    command = [sys.executable, ROOT / ".ci/lowest.py", ROOT / "pyproject.toml"]
    lowest = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()

    assert lowest
    assert unmet(map(Requirement, lowest), "lowest.txt", "3.12") == []


def test_a_requirement_that_the_lock_misses_is_noticed() -> None:
    assert unmet(iter([Requirement("sqlalchemy>=99"), Requirement("no-such-package>=1")]), "dev.txt", "3.13") == [
        "sqlalchemy>=99",
        "no-such-package>=1",
    ]


def test_nothing_but_the_locks_and_the_package_is_installed() -> None:
    """Neither by make nor by CI; the newest versions and the benchmarks have environments of their own."""
    installs = [
        line
        for script in ("scripts/ensure-venv", ".ci/step")
        for line in (ROOT / script).read_text(encoding="utf-8").splitlines()
        if re.search(r"pip_install |pip\"? install", line)
        and "() {" not in line
        and not re.search("--require-hashes|--no-deps", line)
    ]

    assert installs == []
