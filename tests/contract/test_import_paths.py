"""`myfy_data` and `myfy.data` are one library under two names (seed; contract C4)."""

from __future__ import annotations

import importlib

import pytest

import myfy_data
from tests.sandbox import Sandbox

myfy_dot_data = importlib.import_module("myfy.data")


@pytest.mark.parametrize("name", myfy_data.__all__)
def test_both_paths_give_the_same_object(name: str) -> None:
    assert getattr(myfy_dot_data, name) is getattr(myfy_data, name)


def test_both_paths_list_the_same_names() -> None:
    assert myfy_dot_data.__all__ == myfy_data.__all__
    assert set(myfy_data.__all__) <= set(dir(myfy_dot_data))


def test_the_public_names_are_sorted_and_there_once() -> None:
    assert list(myfy_data.__all__) == sorted(set(myfy_data.__all__))


def test_the_names_of_the_quick_start_come_from_the_namespace() -> None:
    from myfy.data import AsyncSession, DataModule  # noqa: PLC0415 - the line of the quick start is what is tested

    assert DataModule is myfy_data.DataModule
    assert AsyncSession.__module__.startswith("sqlalchemy.ext.asyncio")


@pytest.mark.parametrize("path", ["myfy_data", "myfy.data"])
def test_an_unknown_name_is_reported_for_the_path_that_was_used(path: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{path}' has no attribute 'nonsense'"):
        importlib.import_module(path).nonsense  # noqa: B018 - the access is the act


@pytest.mark.parametrize("path", ["myfy_data", "myfy.data"])
def test_importing_it_imports_no_database_and_no_framework(project: Sandbox, path: str) -> None:
    unwanted = {"sqlalchemy", "alembic", "starlette", "fastapi", "litestar", "pydantic", "yaml", "click", "rich"}

    result = project.python("-c", f"import sys, {path}; print(*sorted(sys.modules))")

    assert unwanted & set(result.stdout.split()) == set()
    assert path in result.stdout.split()
