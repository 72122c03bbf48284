"""Private names are verified when a package is loaded; a broken package is not told as a missing one (C16.1)."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myfy_data.errors import DataModuleError, MissingDriverError, MissingPackageError, UnsupportedPackageError
from myfy_data.package_contract import (
    BadVersions,
    Kind,
    PackageContract,
    PrivateName,
    import_package,
    install_line,
    requirement,
    verify,
    verify_instance,
)

SOURCE = """
class Connection:
    def __init__(self):
        self._socket = None

    async def _login(self):
        await self._send(b"")

    async def _send(self, packet):
        ...

    def _sync(self):
        scope["lib.handlers"] = {}


class Slots:
    __slots__ = ("_transport",)


def hello():
    return _private()
"""
OWNER = "acme_driver:Connection"

Install = Callable[..., PackageContract]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes an installed package `acme_driver` of a source, and its contract of names."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(*names: PrivateName, source: str = SOURCE, version: str = "1.4.2") -> PackageContract:
        (tmp_path / "acme_driver.py").write_text(source)
        info = tmp_path / f"acme_driver-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-driver\nVersion: {version}\n")
        importlib.invalidate_caches()
        return PackageContract("acme_driver", "acme-driver", names)

    yield write
    sys.modules.pop("acme_driver", None)


def name(which: str, kind: Kind, owner: str = OWNER, *callers: str) -> PrivateName:
    return PrivateName(owner, which, kind, "some purpose", callers=callers)


def missing() -> MissingPackageError:
    return MissingPackageError("needs acme", package="acme_driver", install="pip install acme")


@pytest.mark.parametrize(
    "there",
    [
        name("_login", "coroutine"),
        name("_sync", "method"),
        name("_socket", "instance attribute"),
        name("_transport", "instance attribute", "acme_driver:Slots"),
        name("_send", "coroutine", OWNER, f"{OWNER}._login"),
        name("_private", "word", "acme_driver:hello"),
        name("lib.handlers", "word"),
        name("hello", "attribute", "acme_driver"),
    ],
    ids=str,
)
def test_a_name_that_is_there_is_found(install: Install, there: PrivateName) -> None:
    contract = install(there)

    assert import_package(contract, missing()).__name__ == "acme_driver"


@pytest.mark.parametrize(
    "gone",
    [
        name("_log_in", "coroutine"),
        name("_sync", "coroutine"),
        name("_sock", "instance attribute"),
        name("_send", "coroutine", OWNER, f"{OWNER}._sync"),
        name("_send", "coroutine", OWNER, f"{OWNER}._gone"),
        name("lib.exception_handlers", "word"),
        name("_x", "attribute", "acme_driver:Gone"),
        name("_x", "attribute", "acme_driver.gone"),
    ],
    ids=str,
)
def test_a_name_that_is_gone_is_told_with_version_purpose_and_the_line_that_installs(
    install: Install, gone: PrivateName
) -> None:
    contract = install(gone)

    with pytest.raises(UnsupportedPackageError) as raised:
        import_package(contract, missing(), "main")

    assert str(raised.value) == (
        f"profile 'main': acme-driver 1.4.2 lacks {gone} (some purpose)\n  fix: pip install \"acme-driver\""
    )
    assert isinstance(raised.value, ImportError | DataModuleError)


def test_an_optional_name_may_be_gone(install: Install) -> None:
    optional = dataclasses.replace(name("_gone", "method"), is_optional=True)

    import_package(install(optional), missing())


def test_every_name_that_is_gone_is_told_at_once(install: Install) -> None:
    contract = install(name("_a", "method"), name("_b", "method"))

    with pytest.raises(UnsupportedPackageError, match=r"_a \(some purpose\), acme_driver\.Connection\._b \("):
        import_package(contract, missing())


def test_an_object_without_a_declared_attribute_is_refused(install: Install) -> None:
    contract = install(name("_socket", "instance attribute"), name("_login", "coroutine"))

    with pytest.raises(UnsupportedPackageError, match=r"lacks acme_driver\.Connection\._socket"):
        verify_instance(contract, OWNER, object())


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import acme_part", "No module named 'acme_part'"),
        ("from math import square", "cannot import name 'square' from 'math'"),
        ("from json import nothing", "cannot import name 'nothing' from 'json'"),
        ("import acme_driver.part", "No module named 'acme_driver.part'; 'acme_driver' is not a package"),
        ("raise RuntimeError('s3cret')", "RuntimeError in its code"),
        ("def :", "SyntaxError in its code"),
    ],
)
def test_a_package_that_cannot_be_imported_is_not_told_as_missing(install: Install, source: str, reason: str) -> None:
    contract = install(source=source)

    with pytest.raises(UnsupportedPackageError) as raised:
        import_package(contract, missing())

    first, fix = str(raised.value).split("\n")
    assert first.removesuffix(" (unknown location)") == f"acme-driver 1.4.2 cannot be imported: {reason}"
    assert fix == '  fix: pip install "acme-driver" --force-reinstall'
    assert "s3cret" not in str(raised.value)


def test_a_package_that_is_not_installed_is_told_as_missing() -> None:
    contract = PackageContract("acme_driver", "acme-driver")

    with pytest.raises(MissingPackageError, match="needs acme"):
        import_package(contract, missing())


def bad_versions(first: str, above: str) -> BadVersions:
    return BadVersions((("acme-driver", first, above), ("pytest", "0", "")), "loses bytes", ("acme-driver<1.4",))


@pytest.mark.parametrize(("first", "above"), [("1.4.2", ""), ("1.4", "1.5"), ("1.4.2rc1", "1.4.10")])
def test_versions_known_not_to_work_are_refused(install: Install, first: str, above: str) -> None:
    contract = dataclasses.replace(install(), known_bad=(bad_versions(first, above),))

    with pytest.raises(UnsupportedPackageError) as raised:
        verify(contract)

    told = f"acme-driver 1.4.2 with pytest {pytest.__version__} does not work: loses bytes"
    assert str(raised.value) == f'{told}\n  fix: pip install "acme-driver<1.4"'


@pytest.mark.parametrize(("first", "above"), [("0", "1.4.2"), ("1.4.3", ""), ("1.10", "")])
def test_versions_beside_the_known_bad_ones_are_taken(install: Install, first: str, above: str) -> None:
    verify(dataclasses.replace(install(), known_bad=(bad_versions(first, above),)))


def test_a_pair_is_refused_only_when_both_are_there(install: Install) -> None:
    bad = BadVersions((("acme-driver", "1", ""), ("no-such-package", "0", "")), "loses bytes", ("acme-driver<1",))

    verify(dataclasses.replace(install(), known_bad=(bad,)))


def test_the_line_that_installs_names_our_own_bounds() -> None:
    contract = PackageContract("sqlalchemy", "SQLAlchemy", companions=("not.ours",))

    assert install_line(contract) == f'pip install "{requirement("sqlalchemy")}" "not.ours"'
    assert requirement("SQLAlchemy").startswith("sqlalchemy[asyncio]>=2.0.58,<")


def test_a_missing_driver_is_also_a_missing_package() -> None:
    assert issubclass(MissingDriverError, MissingPackageError)
    assert not issubclass(UnsupportedPackageError, MissingPackageError)
