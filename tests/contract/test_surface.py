"""What `import myfy_data` gives, and what it does not import (contract C3.13, C4; seed S11)."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import myfy_data
from tests.sandbox import child_environment

NAMES = [
    "AsyncEngine",
    "AsyncSession",
    "AutoCreateTablesProductionError",
    "Base",
    "ClusterError",
    "ClusterStatus",
    "CommitOutcomeUnknown",
    "ConcurrentSessionError",
    "ConfigError",
    "ConnectTimeoutError",
    "CredentialRequest",
    "Credentials",
    "DataModule",
    "DataModuleError",
    "DataModuleNotConfiguredError",
    "DataSettings",
    "DatabaseConnectionError",
    "DatabaseSettings",
    "DatabaseTimeoutError",
    "HealthReport",
    "HostStatus",
    "IDataProvider",
    "InvalidDatabaseURLError",
    "MigrationError",
    "MigrationLockError",
    "MigrationManager",
    "MissingDriverError",
    "MissingPackageError",
    "Origin",
    "PartialCommitError",
    "PoolExhausted",
    "PoolStatus",
    "Problem",
    "ProfileHealth",
    "ProfileReadiness",
    "ProviderError",
    "ReadOnlySessionError",
    "ReadyReport",
    "ReloadReport",
    "ReplicaUnavailable",
    "RevisionMismatchError",
    "SessionError",
    "SessionFactory",
    "TransactionEndedError",
    "UnknownProfileError",
    "UnsupportedPackageError",
    "WrongEventLoopError",
    "__version__",
    "load_settings",
    "retrying",
]


def modules_after(code: str) -> set[str]:
    """The top-level packages that a fresh Python has imported after running `code`."""
    code += "\nimport sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, encoding="utf-8", check=True
    )
    return set(result.stdout.split())


def test_the_public_names_are_exactly_these() -> None:
    assert myfy_data.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_resolves(name: str) -> None:
    value = getattr(myfy_data, name)

    assert name in dir(myfy_data)
    assert getattr(value, "__name__", name) in (name, value)


def test_a_star_import_brings_them_all() -> None:
    names: dict[str, object] = {}
    exec("from myfy_data import *", names)

    assert set(NAMES) <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'myfy_data' has no attribute 'NoSuchThing'"):
        _ = myfy_data.NoSuchThing


def test_importing_the_package_imports_nothing_heavy() -> None:
    imported = modules_after("import myfy_data; dir(myfy_data)")

    assert not imported & {"sqlalchemy", "pydantic", "pydantic_settings", "yaml", "tomli", "asyncio", "myfy"}


def test_loading_settings_leaves_the_database_packages_alone() -> None:
    imported = modules_after("import myfy_data; myfy_data.load_settings")

    assert not imported & {"sqlalchemy", "asyncpg", "aiomysql", "aiosqlite", "yaml", "myfy"}


def test_the_module_alone_brings_no_framework() -> None:
    imported = modules_after("from myfy_data import DataModule; DataModule()")

    assert not imported & {"myfy", "starlette", "fastapi", "litestar", "click", "rich", "alembic", "yaml"}


def test_the_names_of_sqlalchemy_are_sqlalchemys() -> None:
    from sqlalchemy.ext import asyncio  # noqa: PLC0415 - after the package alone

    assert (myfy_data.AsyncSession, myfy_data.AsyncEngine) == (asyncio.AsyncSession, asyncio.AsyncEngine)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("__version__", "Base")])
def test_a_public_name_can_be_pickled_by_reference(name: str) -> None:
    assert pickle.loads(pickle.dumps(getattr(myfy_data, name))) is getattr(myfy_data, name)


def test_the_version_is_the_packages() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"

    assert tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"] == myfy_data.__version__
