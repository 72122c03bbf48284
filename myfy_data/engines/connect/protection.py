"""A connection shows that it is protected before it is handed out: drivers change (contract C16.1; ADR 25)."""

from __future__ import annotations

import asyncio
import socket

from myfy_data.engines.connect.driver_contract import (
    AIOMYSQL_CONNECTION,
    AIOSQLITE_CONNECTION,
    ASYNCPG_CONNECTION,
    DRIVERS,
)
from myfy_data.engines.connect.tcp_keepalive import enable_keepalive
from myfy_data.package_contract import unsupported, verify_instance

_CONNECTIONS = {"sqlite": AIOSQLITE_CONNECTION, "postgresql": ASYNCPG_CONNECTION, "mysql": AIOMYSQL_CONNECTION}

_WITHOUT_TLS = (None, False, "disable", "allow", "prefer")
"""What a driver is told as `ssl` where a connection without TLS will do."""


def verify_connection(backend: str, connection: object, profile: str) -> None:
    """Make sure that a driver's connection has the private attributes that are used.

    Raises:
        UnsupportedPackageError: it lacks one.
    """
    verify_instance(DRIVERS[backend], _CONNECTIONS[backend], connection, profile)


def prove_line(backend: str, profile: str, transport: asyncio.WriteTransport | None, tls: object) -> None:
    """Make sure that a connection is probed by the kernel, and that it is encrypted where that was demanded.

    Args:
        backend: the database.
        profile: the profile's name.
        transport: as the driver shows it.
        tls: what the driver was told as `ssl`.

    Raises:
        UnsupportedPackageError: the driver does not show its transport, or has not encrypted it.
    """
    line = transport.get_extra_info("socket") if transport is not None else None
    if transport is None or line is None:
        reason = "does not show the line to the server, without which it can be neither watched nor cut"
        raise unsupported(DRIVERS[backend], reason, profile)
    enable_keepalive(transport)
    is_tcp = line.family in (socket.AF_INET, socket.AF_INET6)
    if is_tcp and tls not in _WITHOUT_TLS and transport.get_extra_info("ssl_object") is None:
        raise unsupported(DRIVERS[backend], "has connected without TLS, which was demanded", profile)
