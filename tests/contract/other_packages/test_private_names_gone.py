"""Each private name of another package is taken away in turn: a refusal in words, never a silent loss (C16.1)."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest

from myfy_data import package_contract
from myfy_data.engines.connect.driver_contract import DRIVERS
from myfy_data.engines.connect.protection import verify_connection
from myfy_data.errors import UnsupportedPackageError
from myfy_data.package_contract import PackageContract, PrivateName, is_there
from tests.private_names import MYFY, contracts, load, remove, stop_using, wrap

pytestmark = pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")  # myfy-web's own


def case(contract: PackageContract, *more: object) -> object:
    """A case that is left out where the package does not exist."""
    return pytest.param(contract, *more, marks=[pytest.mark.myfy] if contract.distribution in MYFY else [])


CONTRACTS = contracts()
NEEDED = [(contract, name) for contract in CONTRACTS for name in contract.names if not name.is_optional]
CALLS = [(contract, name, caller) for contract, name in NEEDED for caller in name.callers]


def ids(value: object) -> str:
    return value.distribution if isinstance(value, PackageContract) else str(value)


@pytest.fixture(autouse=True)
def _unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_contract, "verified", set())


@pytest.mark.parametrize("contract", [case(contract) for contract in CONTRACTS], ids=ids)
def test_what_is_installed_has_every_name(contract: PackageContract) -> None:
    load(contract)


@pytest.mark.parametrize(("contract", "name"), [case(*each) for each in NEEDED], ids=ids)
def test_a_name_that_is_gone_is_refused_with_the_line_that_mends_it(
    contract: PackageContract, name: PrivateName, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch, name)

    with pytest.raises(UnsupportedPackageError) as raised:
        load(contract)

    version = importlib.metadata.version(contract.distribution)
    assert f"{contract.distribution} {version} lacks " in str(raised.value)
    gone = [name, *(other for _, other, caller in CALLS if caller == f"{name.owner}.{name.name}")]
    assert any(f"{each} ({each.purpose})" in str(raised.value) for each in gone)  # it, or what it was to call
    assert f'\n  fix: pip install "{contract.distribution}' in str(raised.value)
    assert "<" in raised.value.install


@pytest.mark.parametrize(("contract", "name", "caller"), [case(*each) for each in CALLS], ids=ids)
def test_a_name_that_the_package_does_not_use_any_more_is_refused(
    contract: PackageContract, name: PrivateName, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_there(name)
    stop_using(monkeypatch, name, caller)

    with pytest.raises(UnsupportedPackageError, match="lacks "):
        load(contract)


@pytest.mark.parametrize("contract", [case(contract) for contract in CONTRACTS], ids=ids)
def test_functions_that_something_has_wrapped_are_taken(
    contract: PackageContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = {caller for name in contract.names for caller in name.callers}
    hooks = {f"{name.owner}.{name.name}" for name in contract.names if name.kind in ("method", "coroutine")}
    for path in callers | {hook for hook in hooks if ":" in hook}:
        wrap(monkeypatch, path)

    load(contract)


ON_CONNECTIONS = [
    (backend, name)
    for backend, contract in DRIVERS.items()
    for name in contract.names
    if name.kind == "instance attribute" and name.owner.endswith(":Connection")
]


@pytest.mark.parametrize(("backend", "name"), ON_CONNECTIONS, ids=str)
def test_a_connection_without_an_attribute_is_refused(backend: str, name: PrivateName) -> None:
    others = {other.name: None for kind, other in ON_CONNECTIONS if kind == backend and other != name}

    with pytest.raises(UnsupportedPackageError) as raised:
        verify_connection(backend, SimpleNamespace(**others), "main")

    assert raised.value.reason == f"lacks {name} ({name.purpose})"
    assert raised.value.profile == "main"
    verify_connection(backend, SimpleNamespace(**others, **{name.name: None}), "main")
