"""The submodules of `myfy.data` that users and packages of upstream import from (contract C15, seed S11)."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import String, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import myfy_data
from tests.sandbox import Sandbox, child_environment

NAMES = {
    "config": ["SUPPORTED_ASYNC_DRIVERS", "DatabaseSettings"],
    "errors": [
        "AutoCreateTablesProductionError",
        "DataModuleError",
        "DataModuleNotConfiguredError",
        "DatabaseConnectionError",
        "InvalidDatabaseURLError",
    ],
    "extensions": ["IDataProvider"],
    "migrations": ["MigrationManager", "create_alembic_env_template"],
    "module": ["DataModule", "data_module"],
    "session": ["SessionFactory", "get_session_for_request"],
    "testing": ["TestDatabaseFixture", "create_test_tables", "drop_test_tables", "test_database", "test_session"],
    "version": ["__version__"],
}

AT_THE_TOP = ["Column", "Integer", "String", "Table", "select"]

BOTH = [(module, name) for module, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("module", "name"), BOTH)
def test_a_submodule_has_upstreams_name_and_lists_it(module: str, name: str) -> None:
    found = importlib.import_module(f"myfy.data.{module}")

    assert hasattr(found, name)
    assert name in found.__all__


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, n in BOTH if n in myfy_data.__all__])
def test_it_is_the_object_of_the_package(module: str, name: str) -> None:
    assert getattr(importlib.import_module(f"myfy.data.{module}"), name) is getattr(myfy_data, name)


@pytest.mark.parametrize("name", ["SUPPORTED_ASYNC_DRIVERS", "create_alembic_env_template", "data_module", *AT_THE_TOP])
def test_what_only_upstream_has_at_its_top_is_there(name: str) -> None:
    package = importlib.import_module("myfy.data")

    assert getattr(package, name) is getattr(package, name)
    assert name in dir(package)


@pytest.mark.parametrize("module", ["errors", "migrations", "module", "testing"])
def test_a_submodule_is_never_the_room_of_the_same_name(project: Sandbox, module: str) -> None:
    code = (
        f"import myfy_data.{module}; myfy_data.DataModule; "
        f"from myfy.data import {module}; print({module}.__name__, end='')"
    )

    assert project.python("-c", code).stdout == f"myfy.data.{module}"


class Base(DeclarativeBase):
    """The tables of these tests."""


class User(Base):
    """A row."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


async def test_a_test_gets_a_database_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYFY_DATA_DATABASE_URL", "postgresql://nowhere.invalid/x")
    from myfy.data.testing import (  # noqa: PLC0415 - the lines of a user
        create_test_tables,
        drop_test_tables,
        test_database,
        test_session,
    )

    async with test_database() as (module, factory):
        await create_test_tables(module.get_engine(), Base)
        async with test_session(factory) as session:
            session.add(User(name="Ada"))
        async with factory.session_context() as session:
            assert (await session.scalars(select(User.name))).all() == ["Ada"]
        await drop_test_tables(module.get_engine(), Base)
        async with factory.session_context() as session:
            assert (await session.execute(text("SELECT name FROM sqlite_master"))).all() == []


async def test_a_fixture_holds_a_database_while_it_is_set_up(tmp_path: Path) -> None:
    from myfy.data.testing import TestDatabaseFixture  # noqa: PLC0415 - the line of a user

    fixture = TestDatabaseFixture(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    async with fixture.setup() as (module, factory):
        assert (fixture.module, fixture.session_factory) == (module, factory)
        async with fixture.session() as session:
            assert await session.scalar(text("SELECT 1")) == 1
    with pytest.raises(RuntimeError, match="fix: async with fixture"):
        _ = fixture.session_factory


async def test_a_session_for_a_request_is_the_callers_to_end() -> None:
    from myfy.data.session import get_session_for_request  # noqa: PLC0415 - the line of a user
    from myfy.data.testing import test_database  # noqa: PLC0415 - as above

    async with test_database() as (_, factory), get_session_for_request(factory) as session:
        assert await session.scalar(text("SELECT 1")) == 1


def test_pytest_collects_none_of_the_names_that_a_test_imports(tmp_path: Path) -> None:
    file = tmp_path / "test_users.py"
    file.write_text("from myfy.data.testing import *\n\ndef test_mine(): pass\n", encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(command, cwd=tmp_path, env=child_environment(), capture_output=True, text=True, check=False)

    assert [line for line in done.stdout.splitlines() if "::" in line] == ["test_users.py::test_mine"]
