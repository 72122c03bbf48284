"""Run the suite on the newest of everything, pre-releases and what our upper bounds exclude among it; say what broke.

Usage: `make newest`, or `python .ci/newest.py [PYTEST ARGUMENTS]`. It makes `.venv-newest`, never touches `.venv`, and
exits 1 when the newest do not install together or a test fails. What it finds is for the next `make lock` and the
bounds in pyproject.toml: the locked set (contract C16.2) is green all the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import venv
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv-newest"
REPORT = VENV / "report.xml"
PYTHON = VENV / "bin/python"
MOST_NAMES = 50
"""Failed tests that are told by name."""


def wishes(project: dict[str, Any]) -> Iterator[str]:
    """What to install, one requirement each; tools keep their bounds, since they are not what users get."""
    yield from project["build-system"]["requires"]
    yield "editables"  # hatchling builds an editable installation with it
    extras = project["project"]["optional-dependencies"]
    for text in project["project"]["dependencies"]:
        yield newest(Requirement(text))
    for name, extra in extras.items():
        for text in extra:
            if not text.startswith("myfy-data"):
                yield text if name == "dev" else newest(Requirement(text))


def newest(requirement: Requirement) -> str:
    """The requirement without its upper bound; `.dev0` lets pip choose a pre-release."""
    lower = next(clause.version for clause in requirement.specifier if clause.operator == ">=")
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}>={lower}.dev0{marker}"


def installed() -> dict[str, str]:
    """The version of each package in `.venv-newest`."""
    listing = subprocess.run(
        [str(PYTHON), "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    ).stdout
    return {
        canonicalize_name(package["name"]): package["version"]
        for package in json.loads(listing)
        if package["name"] not in {"pip", "myfy-data", "myfy_data"}
    }


def locked() -> dict[str, str]:
    """The version of each package in the lock."""
    lines = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split(" ")[0].split("==") for line in lines if "==" in line]
    return {name.partition("[")[0]: version for name, version in pins}


def failures(report: ET.Element) -> list[str]:
    """The tests that failed, by name."""
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in report.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]


def install(project: dict[str, Any]) -> int:
    """Make the environment; pip tells a conflict itself."""
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--upgrade"]
    first = subprocess.run([*pip, *wishes(project)], check=False).returncode
    return first or subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=False).returncode


def tell(code: int) -> None:
    """What is newer than the lock, and which tests failed."""
    of_lock, now = locked(), installed()
    newer = [
        f"{name} {of_lock.get(name, 'absent')} -> {now[name]}" for name in sorted(now) if now[name] != of_lock.get(name)
    ]
    print("\nother than in the lock:", *(newer or ["nothing"]), sep="\n  ")
    broken = failures(ET.parse(REPORT).getroot()) if REPORT.exists() else []  # noqa: S314 - pytest wrote it a moment ago
    print(f"{len(broken)} failed (pytest's exit code: {code})", *broken[:MOST_NAMES], sep="\n  ")


def main(arguments: list[str]) -> int:
    """Install, run, tell."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if install(project):
        print("the newest versions do not install together")
        return 1
    command = [str(PYTHON), "-m", "pytest", "-ra", f"--junitxml={REPORT}", *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    tell(code)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
