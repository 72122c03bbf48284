"""What the doctor concludes from a server's answers (contract C12.6)."""

from __future__ import annotations

import pytest

from myfy_data import DatabaseSettings, DataSettings
from myfy_data.cli.doctor.finding import Finding
from myfy_data.cli.doctor.server import Answers, connections_finding, tls_finding
from myfy_data.settings.root_tables import CapacitySettings

IN_CLEAR = Answers(limit=97, now=0.0, encrypted=False, timeouts={})


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("localhost/shop", "ok"),
        ("/shop", "ok"),
        ("/shop?host=/run/postgresql", "ok"),
        ("db.example.org/shop", "warn"),
        ("localhost.example.org/shop", "warn"),
        ("/shop?host=db.example.org", "warn"),
        ("/shop?host=127.0.0.1,db.example.org", "warn"),
    ],
)
def test_a_connection_in_clear_is_judged_by_every_host(address: str, status: str) -> None:
    profile = DatabaseSettings(database_url=f"postgresql+asyncpg://{address}")

    assert tls_finding("main", profile, IN_CLEAR).status == status


def connections(instances: int, surge: float = 0.0) -> Finding:
    """What is said of pools of 5 and 10 where the server takes 97."""
    settings = DataSettings(
        profiles={"main": DatabaseSettings(database_url="postgresql+asyncpg://db/shop")},
        capacity=CapacitySettings(instances=instances, surge=surge),
    )
    return connections_finding(settings, "main", IN_CLEAR)


def test_processes_are_counted_as_capacity_counts_them() -> None:
    assert connections(100, 0.1).message.startswith(f"{110 * 15 + 2} connections at most, by 110 processes")


def test_sizes_are_told_where_some_fit_and_no_others() -> None:
    assert connections(6).status == "ok"
    assert connections(10).fix == "profiles.main.pool_size = 5, profiles.main.max_overflow = 4"
    assert connections(1000).fix == "fewer instances or workers, or a higher limit of connections"
