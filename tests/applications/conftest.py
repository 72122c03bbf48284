"""Databases of the test kit, for tests of what an application sees: they make tables, and the kit takes all back."""

from __future__ import annotations

from contextlib import suppress

import pytest

from myfy_data import DatabaseSettings, DataSettings
from tests.databases import url_of


@pytest.fixture(scope="session")
def data_settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DataSettings:
    """A profile for each kind of database that a test of this run declares."""
    kinds = {kind for item in request.session.items for mark in item.iter_markers("data") for kind in mark.args}
    profiles = {}
    for kind in sorted(kinds):
        with suppress(pytest.skip.Exception):  # its tests are skipped, see below
            url = url_of(kind, request, tmp_path_factory.getbasetemp())
            profiles[kind] = DatabaseSettings(database_url=url)
    return DataSettings(environment="test", profiles=profiles)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test ask for its server before the kit does: without one it is skipped, with the reason."""
    for item in items:
        servers = [f"{kind}_url" for mark in item.iter_markers("data") for kind in mark.args if kind != "sqlite"]
        if isinstance(item, pytest.Function) and servers:
            item.fixturenames = [*servers, *item.fixturenames]
