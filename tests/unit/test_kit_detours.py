"""A profile that was led through a port of this machine gets its own way back, whatever it says of TLS (C13.3)."""

from __future__ import annotations

import pytest

from myfy_data import DatabaseSettings
from myfy_data.engines.factory import open_engine_handle
from myfy_data.testing.registry import lead

PROFILES = {
    "postgresql, prefer": {"database_url": "postgresql://u@db.example/x", "tls": "prefer"},
    "postgresql, disable": {"database_url": "postgresql://u@127.0.0.1/x", "tls": "disable"},
    "postgresql, socket": {"database_url": "postgresql://u@/x?host=/run/postgresql"},
    "mysql, disable": {"database_url": "mysql://u@127.0.0.1/x", "tls": "disable"},
    "mysql, socket": {"database_url": "mysql://u@localhost/x?unix_socket=/run/mysqld/mysqld.sock"},
}


@pytest.mark.parametrize("settings", PROFILES.values(), ids=PROFILES.keys())
async def test_the_way_back_is_the_way_it_was(settings: dict[str, str]) -> None:
    opened = open_engine_handle("main", DatabaseSettings(**settings))
    before = dict(opened.backend.arguments)

    lead(opened, 4711)
    there = dict(opened.backend.arguments)
    lead(opened, None)

    assert (there["host"], there["port"]) == ("127.0.0.1", 4711)
    assert not there["ssl"]
    assert "unix_socket" not in there
    assert opened.backend.arguments == before
    await opened.engine.dispose()
