"""Fixtures for every test: a clean environment, a project on disk, and real servers."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.clusters.galera import GaleraCluster, three_nodes
from tests.clusters.mariadb import MariaCluster, mariadb_cluster
from tests.clusters.postgresql import PostgresqlCluster, postgresql_cluster
from tests.sandbox import Sandbox
from tests.servers import MYSQL, POSTGRESQL, required, throw_away_database

PREFIX = "MYFY_DATA_"
MYFY_NEEDS = "myfy needs Python 3.12 or later"
"""The one skip that CI allows; `.ci/check_skips.py` looks for these words."""

# A time says nothing on a busy machine, that of one example as little as that of drawing it.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def isolated_environment() -> None:
    """No setting of the user's environment reaches a test, nor the one by which the kit chooses environment test."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        del os.environ[name]  # for the whole run: fixtures of a module begin before this one


@pytest.fixture
def slow_log() -> None:
    """Let a test see the slow log."""


@pytest.fixture(autouse=True)
def quiet_slow_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine any statement is slow; what a test sees of the log does not depend on that."""
    if "slow_log" not in request.fixturenames:
        monkeypatch.setattr(logging.getLogger("myfy_data.slow"), "disabled", True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An empty project root that is the working directory; what a test imports from it is gone after it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield Sandbox(tmp_path, monkeypatch)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{tmp_path}/"):
            del sys.modules[name]


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


@pytest.fixture(scope="session")
def standing_cluster() -> Iterator[PostgresqlCluster]:
    """The cluster of this run; a test takes `cluster`, which is as it was made."""
    with required(POSTGRESQL.name), postgresql_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(standing_cluster: PostgresqlCluster) -> PostgresqlCluster:
    """A PostgreSQL primary `n1` with two streaming replicas, `n2` and `n3`, whatever earlier tests did to them."""
    standing_cluster.reset()
    return standing_cluster


@pytest.fixture(scope="session")
def standing_maria() -> Iterator[MariaCluster]:
    """The two servers of this run; a test takes `maria`, which is as it was made."""
    with required("mariadb"), mariadb_cluster() as maria:
        yield maria


@pytest.fixture
def maria(standing_maria: MariaCluster) -> MariaCluster:
    """A MariaDB primary `m1` whose replica `m2` follows it by GTID, whatever earlier tests did to them."""
    standing_maria.reset()
    return standing_maria


@pytest.fixture(scope="session")
def standing_galera() -> Iterator[GaleraCluster]:
    """The nodes of this run; a test takes `galera`, which is as it was made."""
    with required("galera"), three_nodes() as galera:
        yield galera


@pytest.fixture
def galera(standing_galera: GaleraCluster) -> GaleraCluster:
    """Three nodes of Galera, `g1`, `g2` and `g3`, whatever earlier tests did to them."""
    standing_galera.reset()
    return standing_galera


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test that needs a server its marker, and skip the myfy suite where myfy does not exist."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for kind in (POSTGRESQL, MYSQL):
            if f"{kind.name}_url" in fixtures:
                item.add_marker(kind.name)
        if item.get_closest_marker("myfy") and sys.version_info < (3, 12):
            item.add_marker(pytest.mark.skip(reason=MYFY_NEEDS))
