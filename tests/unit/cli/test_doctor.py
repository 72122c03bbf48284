"""What the doctor concludes from a server's answers (contract C12.6)."""

from __future__ import annotations

import pytest

from myfy_data import DatabaseSettings
from myfy_data.cli.doctor.server import Answers, tls_finding

IN_CLEAR = Answers(now=0.0, encrypted=False, timeouts={})


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
