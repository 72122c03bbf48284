"""The tests that the other packages of myfy ship in their source distributions, unmodified, on this package."""

from __future__ import annotations

import itertools
import shutil
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.sisters.environment import CACHE, LOCK, PYTHON, StepError, pip, run


@dataclass(frozen=True)
class Suite:
    """The tests of one package.

    Attributes:
        package: its name.
        tests: how many tests it has.
        without: lines that take a name of ours away; without it the tests must fail. Empty when they use none.
    """

    package: str
    tests: int
    without: str = ""


SUITES = (
    Suite("myfy-tasks", 77, "from myfy_data import SessionFactory; del SessionFactory._sessionmaker"),
    Suite("myfy-user", 170, "import myfy_data; myfy_data.__all__.remove('Base')"),
    Suite("myfy-commands", 48),
)

_RUN = "{without}\nimport sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
_FAILED = (1, 2, 4)
"""How pytest ends when tests fail, when none can be collected, and when their conftest cannot be imported."""


def judge(suite: Suite) -> None:
    """Run a suite, and once more without one of our names.

    Raises:
        StepError: a test fails, is skipped or is not there; or none fails without the name.
    """
    source = sources(suite.package)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        said = run([str(PYTHON), "-m", "pytest", *_options(report)], folder=source, exit_codes=(0, *_FAILED))
        complaint = judged(suite, ET.parse(report).getroot()) if report.exists() else f"{suite.package}: no report"
        if complaint:
            raise StepError(f"{complaint}\n{said}")
        if suite.without:
            code = _RUN.format(without=suite.without)
            run([str(PYTHON), "-c", code, "-x", *_options(report)], folder=source, exit_codes=_FAILED)


def _options(report: Path) -> list[str]:
    # Their own settings of pytest, else those of the folder above would count, which are ours.
    return ["-q", "-c", "pyproject.toml", "-p", "no:cacheprovider", f"--junitxml={report}", "tests"]


def judged(suite: Suite, report: ET.Element) -> str:
    """What is wrong with a report of pytest's; empty when nothing is."""
    counts: Mapping[str, str] = next(iter(report.iter("testsuite"))).attrib
    ran, failed = int(counts["tests"]), int(counts["failures"]) + int(counts["errors"])
    skipped = int(counts["skipped"])
    if (ran, failed, skipped) == (suite.tests, 0, 0):
        return ""
    return f"{suite.package}: {ran} tests in place of {suite.tests}, {failed} failed, {skipped} skipped"


def sources(package: str) -> Path:
    """The unpacked source distribution of a package, without the package itself; downloaded once, by its hash.

    Raises:
        StepError: it cannot be downloaded.
    """
    folder = CACHE / package
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as temporary:
            wanted = Path(temporary) / "requirements.txt"
            wanted.write_text(pinned(package, LOCK.read_text(encoding="utf-8")), encoding="utf-8")
            options = ["--quiet", "--no-deps", "--require-hashes", "--no-binary", package, "--no-build-isolation"]
            run(pip("download", *options, "--dest", temporary, "--requirement", str(wanted)))
            with tarfile.open(next(Path(temporary).glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
        shutil.rmtree(_unpacked(folder) / "myfy")  # what is installed is tested
        (folder / "complete").touch()
    return _unpacked(folder)


def _unpacked(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.is_dir())


def pinned(package: str, lock: str) -> str:
    """The lines of a lock for one package: its version and the hashes of its files."""
    lines = iter(lock.splitlines())
    first = next(line for line in lines if line.startswith(f"{package}=="))
    hashes = itertools.takewhile(lambda line: line.startswith(" "), lines)
    return "\n".join([first, *hashes]) + "\n"
