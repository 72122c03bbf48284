"""A driver is loaded, or its refusal tells what is wrong and the line that mends it."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from myfy_data import package_contract
from myfy_data.engines.connect.driver_contract import PYMYSQL
from myfy_data.engines.connect.drivers import load_driver
from myfy_data.errors import MissingDriverError, UnsupportedPackageError

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"
MEND = r'fix: pip install "aiomysql>=[^"]*" "(?i:pymysql)\[rsa\]>=[^"]*"'


@pytest.fixture(autouse=True)
def _unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_contract, "verified", set())


def pymysql_is(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == "PyMySQL" else installed(name))


def importing_raises(monkeypatch: pytest.MonkeyPatch, error: ImportError) -> None:
    def refuse(_: str) -> ModuleType:
        raise error

    monkeypatch.setattr(importlib, "import_module", refuse)


@pytest.mark.parametrize("version", ["1.1.0", "1.0.3", "0.10.1", "1", "1.3.0", "1.3.0rc1", "1.10.2", "2.0"])
def test_a_pymysql_that_aiomysql_cannot_work_with_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pymysql_is(monkeypatch, version)

    with pytest.raises(UnsupportedPackageError, match=f"with PyMySQL {version} does not work: .*\n.*{MEND}") as caught:
        load_driver("main", "mysql", "mysql+aiomysql")

    assert "not installed" not in str(caught.value)


@pytest.mark.parametrize("version", ["1.1.1", "1.1.3", "1.2.0", "1.2.4"])
def test_one_that_it_works_with_is_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pymysql_is(monkeypatch, version)

    assert load_driver("main", "mysql", "mysql+aiomysql").__name__ == "aiomysql"


def test_the_bounds_that_are_checked_are_those_that_pip_is_told() -> None:
    extra = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["mysql"]
    bounds = {requirement.name: requirement for requirement in map(Requirement, extra)}
    first, end = PYMYSQL

    told = {f"{clause.operator}{clause.version}" for clause in bounds["PyMySQL"].specifier}

    assert told == {f">={first}", f"<{end}"}


def test_the_extra_brings_what_a_login_by_caching_sha2_password_needs() -> None:
    extra = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["mysql"]
    requires = importlib.metadata.requires("PyMySQL") or []

    assert any("rsa" in Requirement(line).extras for line in extra)
    assert any(Requirement(line).name == "cryptography" and "rsa" in line for line in requires)


@pytest.mark.parametrize(
    "error",
    [
        ImportError("cannot import name 'escape_bytes_prefixed' from 'pymysql.converters'"),
        ModuleNotFoundError("No module named 'pymysql.times'", name="pymysql.times"),
    ],
)
def test_a_driver_that_is_there_and_cannot_be_imported_is_not_told_as_missing(
    monkeypatch: pytest.MonkeyPatch, error: ImportError
) -> None:
    importing_raises(monkeypatch, error)

    with pytest.raises(UnsupportedPackageError, match=f"cannot be imported: {error}\n.*{MEND} --force-reinstall"):
        load_driver("main", "mysql", "mysql+aiomysql")


def test_a_driver_whose_own_requirement_is_gone_is_not_told_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    importing_raises(monkeypatch, ModuleNotFoundError("No module named 'pymysql'", name="pymysql"))

    with pytest.raises(UnsupportedPackageError, match=f"cannot be imported: No module named 'pymysql'\n.*{MEND}"):
        load_driver("main", "mysql", "mysql+aiomysql")


def test_without_the_driver_there_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setitem(sys.modules, "aiomysql", None)

    with pytest.raises(MissingDriverError, match=r"is not installed\n  fix: pip install 'myfy-data\[mysql\]'"):
        load_driver("main", "mysql", "mysql+aiomysql")
