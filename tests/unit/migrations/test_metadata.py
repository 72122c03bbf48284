"""Metadata by dotted path."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import MetaData

from myfy_data import ConfigError
from myfy_data.migrations.metadata import load_metadata
from myfy_data.migrations.target import Target, resolve_target
from tests.migrating import MODELS
from tests.sandbox import Sandbox


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """Forget the modules of the project after the test."""
    before, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = before
    for name in set(sys.modules) - known:
        del sys.modules[name]


def target_with(project: Sandbox, path: str) -> Target:
    project.write(
        "some_models.py", MODELS + "\n    class Nested:\n        deep = Base.metadata\n\n    Deeper = Nested\n"
    )
    project.write("broken_models.py", "import no_such_package\n")
    project.write("myfy.toml", f'[data]\ndatabase_url = "sqlite:///a.db"\nmigrations = {{ metadata = "{path}" }}\n')
    return resolve_target(project.load())


@pytest.mark.parametrize("path", ["some_models:Base.metadata", "some_models:Nested.deep"])
def test_it_is_imported_from_the_project_root(project: Sandbox, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_with(project, path)
    monkeypatch.chdir("/")

    assert isinstance(load_metadata(target), MetaData)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("some_models", "is not of the form module:attribute"),
        ("some_models:", "is not of the form module:attribute"),
        ("some_models:Bse.metadata", "some_models has no 'Bse.metadata'"),
        ("some_models:Deeper.eep", 'fix: metadata = "some_models:Deeper.deep"'),
        ("some_models:Base", 'fix: metadata = "some_models:Base.metadata"'),
        ("some_models:User.id", "is a InstrumentedAttribute, not a MetaData"),
        ("no_such_models:x", "cannot import no_such_models: ModuleNotFoundError"),
        ("broken_models:x", "No module named 'no_such_package'"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(project: Sandbox, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_metadata(target_with(project, path))

    assert message in str(caught.value)
    assert str(caught.value).startswith("myfy.toml:3:")
