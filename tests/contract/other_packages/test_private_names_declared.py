"""The library uses no private name of another package that is not declared (contract C16.1)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from myfy_data.engines.connect.driver_contract import ASYNCIO
from myfy_data.package_contract import PackageContract, requirement
from tests.private_names import MYFY, contracts
from tests.private_uses import scope_keys, uses_inherited, uses_outside
from tests.sandbox import package_parent

ROOT = Path(__file__).parents[3]
PACKAGES = package_parent()  # a built wheel is judged as it was installed
FILES = sorted(
    path
    for folder in ("myfy_data", "myfy/data")
    for path in (PACKAGES / folder).rglob("*.py")
    if "new_project" not in path.parts  # what `new` writes: in a wheel, it is no code of ours there
)
CONTRACTS = contracts()

DECLARED = {name.name for contract in (*CONTRACTS, ASYNCIO) for name in contract.names}
DECLARED |= {part for contract in CONTRACTS for name in contract.names for part in name.owner.split(":")[0].split(".")}

OF_OTHER_FILES = {"explain.py": {"_provenance"}, "loader.py": {"_provenance"}, "reconnect.py": {"_gate"}}
"""Private names of our own that another file of the same room uses."""

USES_MYFY = "myfy_data/module/myfy/"


def place(path: Path) -> str:
    return str(path.relative_to(PACKAGES))


@pytest.mark.parametrize("path", FILES, ids=place)
def test_what_a_file_asks_other_objects_for_is_declared(path: Path) -> None:
    allowed = DECLARED | OF_OTHER_FILES.get(path.name, set())

    assert [use for use in uses_outside(path) if use.name not in allowed] == []


def test_the_keys_of_a_scope_stand_in_declarations_only() -> None:
    found = [use for path in FILES if not path.name.endswith("contract.py") for use in scope_keys(path)]

    assert found == []


def test_a_key_of_a_scope_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("handlers = scope.get('starlette.exception_handlers')")

    assert [use.name for use in scope_keys(path)] == ["starlette.exception_handlers"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.myfy] if place(path).startswith(USES_MYFY) else [])
        for path in FILES
        if path.name != "__main__.py"
    ],
    ids=place,
)
@pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")  # myfy-web's own
def test_what_a_class_shares_with_a_foreign_base_is_declared(path: Path) -> None:
    module = ".".join(path.relative_to(PACKAGES).with_suffix("").parts).removesuffix(".__init__")

    assert [use for use in uses_inherited(path, module) if use.name not in DECLARED] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("transport._loop", "_loop"),
        ("connection.cursor()._result.fetch()", "_result"),
        ("getattr(connection, '_transport', None)", "_transport"),
        ("setattr(connection, '_writer', None)", "_writer"),
        ("super()._do_get()", "_do_get"),
        ("from starlette._utils import is_async_callable", "_utils"),
        ("from pymysql import _auth", "_auth"),
        ("engine.dialect.do_begin = begin", "do_begin"),
        ("def initialize(): ...\ndialect.initialize = initialize", "initialize"),
    ],
)
def test_a_use_is_found_however_it_is_written(source: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)

    assert [use.name for use in uses_outside(path)] == [name]


@pytest.mark.parametrize(
    "body",
    [
        "    def _do_get(self):\n        pass\n",
        "    def take(self):\n        return self._overflow\n",
        "    def take(self):\n        return super()._do_get()\n",
        "    _pool = None\n",
        "    def take(self):\n        self._timeout = 1\n",
    ],
)
def test_a_name_that_a_class_shares_with_its_base_is_found(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / f"acme_{abs(hash(body))}.py"
    path.write_text(f"from sqlalchemy.pool import QueuePool\n\n\nclass Ours(QueuePool):\n{body}")

    assert len(list(uses_inherited(path, path.stem))) == 1


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.distribution)
def test_every_package_with_private_names_has_an_upper_bound(contract: PackageContract) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for name in extras if name != "dev" for text in extras[name])]
    ours = [Requirement(text) for text in texts]
    named = {contract.distribution.lower(), *(name.lower() for name in contract.companions)}

    bounds = [one.specifier for one in ours if one.name.lower() in named]

    assert len(bounds) >= len(named)
    assert all({"<", ">="} <= {clause.operator for clause in bound} for bound in bounds)


@pytest.mark.parametrize("contract", [each for each in CONTRACTS if each.distribution not in MYFY])
def test_the_line_that_installs_names_the_bounds_of_the_project(contract: PackageContract) -> None:
    told = Requirement(requirement(contract.distribution))

    assert {clause.operator for clause in told.specifier} == {">=", "<"}
