"""Fixtures for every test: a clean environment, a project on disk, and real servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import Sandbox
from tests.servers import MYSQL, POSTGRESQL, throw_away_database

PREFIX = "MYFY_DATA_"
MYFY_NEEDS = "myfy needs Python 3.12 or later"
"""The one skip that CI allows; `.ci/check_skips.py` looks for these words."""


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches a test."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An empty project root that is the working directory."""
    return Sandbox(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL database made for this run and dropped after it."""
    with throw_away_database(POSTGRESQL) as url:
        yield url


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """The URL of a MariaDB or MySQL database made for this run and dropped after it."""
    with throw_away_database(MYSQL) as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test that needs a server its marker, and skip the myfy suite where myfy does not exist."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for kind in (POSTGRESQL, MYSQL):
            if f"{kind.name}_url" in fixtures:
                item.add_marker(kind.name)
        if item.get_closest_marker("myfy") and sys.version_info < (3, 12):
            item.add_marker(pytest.mark.skip(reason=MYFY_NEEDS))
