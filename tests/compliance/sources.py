"""Where SQLAlchemy's tests come from: the source distribution of the installed version, or the package itself."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlalchemy

REQUIREMENTS = Path(__file__).with_name("sdists.txt")
"""The hash of each source distribution that may be run, in pip's format."""

CACHE = Path(__file__).parents[2] / ".cache" / "compliance"

SUITES: Mapping[str, tuple[str, ...]] = {
    "engine": ("test/engine",),
    "sql": ("test/sql",),
    "dialect": (
        "test/dialect/test_suite.py",
        "test/dialect/test_all.py",
        "test/dialect/{database}",
        "test/dialect/test_{database}.py",
    ),
    "asyncio": ("test/ext/asyncio",),
    "ext": tuple(f"test/ext/{name}" for name in ("test_*.py", "declarative")),
    "orm": ("test/orm",),
}
"""Parts of the source distribution that meet a database; `{database}` stands for what tests one database."""

_SHIPPED = {
    "conftest.py": """\
import pytest

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: F403 - its hooks are all of it
""",
    "setup.cfg": """\
[sqla_testing]
requirement_cls = sqlalchemy.testing.requirements:SuiteRequirements
profile_file = profiles.txt
""",
    "pytest.ini": """\
[pytest]
python_files = test_*.py
""",
}
"""What SQLAlchemy asks of a dialect's author who runs the suite that the package ships (README.dialects.rst)."""


class SourceError(Exception):
    """The tests cannot be had; the text says what to do."""


def sdist(cache: Path = CACHE) -> Path:
    """The unpacked source distribution of the installed SQLAlchemy; downloaded once, its hash compared by pip.

    Raises:
        SourceError: no hash is known for this version, or pip could not download it.
    """
    version = sqlalchemy.__version__
    folder = cache / f"sqlalchemy-{version}"
    if not (folder / "complete").exists():
        with tempfile.TemporaryDirectory() as temporary:
            archive = _download(pinned(version, REQUIREMENTS.read_text(encoding="utf-8")), Path(temporary))
            with tarfile.open(archive) as tar:
                tar.extractall(cache, filter="data")
        (folder / "complete").touch()
    return folder


def pinned(version: str, requirements: str) -> str:
    """The line of `sdists.txt` for one version.

    Raises:
        SourceError: there is none.
    """
    for line in requirements.splitlines():
        if re.match(rf"sqlalchemy=={re.escape(version)} --hash=sha256:[0-9a-f]{{64}}$", line):
            return line
    raise SourceError(
        f"no hash is known for the source distribution of SQLAlchemy {version}: "
        f"add `sqlalchemy=={version} --hash=sha256:...` to {REQUIREMENTS.name}"
    )


def _download(requirement: str, folder: Path) -> Path:
    wanted = folder / "requirements.txt"
    wanted.write_text(requirement + "\n", encoding="utf-8")
    options = ["--quiet", "--require-hashes", "--no-deps", "--no-binary", "sqlalchemy", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SourceError(f"pip could not download {requirement}:\n{done.stderr}")
    return next(folder.glob("*.tar.gz"))


def shipped(folder: Path, modules: Iterable[str]) -> Path:
    """A folder from which the suite in `sqlalchemy.testing.suite` runs; nothing is downloaded.

    Args:
        folder: where to put it.
        modules: names in `sqlalchemy.testing.suite`, such as `test_results`.
    """
    for name, text in _SHIPPED.items():
        (folder / name).write_text(text, encoding="utf-8")
    for module in modules:
        (folder / f"{module}.py").write_text(f"from sqlalchemy.testing.suite.{module} import *  # noqa\n", "utf-8")
    return folder


def files_of(source: Path, suite: str, database: str) -> list[str]:
    """The test files of one suite, relative to the source."""
    found: list[str] = []
    for place in SUITES[suite]:
        for path in source.glob(place.format(database=database)):
            files = path.rglob("test_*.py") if path.is_dir() else [path]
            found += [str(file.relative_to(source)) for file in files if _is_for_this_python(file)]
    return sorted(found)


def _is_for_this_python(file: Path) -> bool:
    """SQLAlchemy's conftest leaves these files out only where folders are collected."""
    needed = re.search(r"_py(\d)(\d+)\.py$", file.name)
    return needed is None or sys.version_info >= tuple(map(int, needed.groups()))
