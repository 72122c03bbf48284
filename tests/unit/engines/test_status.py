"""Numbers of pools, and names of servers."""

from __future__ import annotations

import pytest

from myfy_data.engines.backends import BACKENDS
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import UnknownProfileError
from myfy_data.settings.database_settings import DatabaseSettings


@pytest.mark.parametrize(
    ("backend", "version", "name"),
    [
        ("postgresql", "15.18 (Debian 15.18-0+deb12u1)", "PostgreSQL 15.18"),
        ("postgresql", "17beta1", "PostgreSQL 17beta1"),
        ("mysql", "10.11.6-MariaDB-0+deb12u1", "MariaDB 10.11.6"),
        ("mysql", "8.0.36-0ubuntu0.22.04.1", "MySQL 8.0.36"),
        ("sqlite", "3.45.1", "SQLite 3.45.1"),
    ],
)
def test_a_server_is_named_with_its_version(backend: str, version: str, name: str) -> None:
    assert BACKENDS[backend].describe_server(version) == name


@pytest.mark.parametrize(("url", "size"), [("sqlite:///./app.db", 7), ("sqlite://", 1)])
def test_the_status_of_a_pool_that_was_not_opened_is_zeros(url: str, size: int) -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, pool_size=7)})

    assert registry.status("main") == PoolStatus("main", size, 0, 0, 0, 0)


def test_the_status_of_an_unknown_profile_is_an_error() -> None:
    with pytest.raises(UnknownProfileError):
        EngineRegistry({}).status("main")


async def test_connections_beyond_the_size_are_counted_as_overflow() -> None:
    registry = EngineRegistry({"main": DatabaseSettings(database_url="sqlite:////tmp/never.db", pool_size=2)})
    pool = registry.get("main").pool
    pool._overflow = 1  # type: ignore[attr-defined]  # three connections, as SQLAlchemy counts

    assert registry.status("main").overflow == 1
