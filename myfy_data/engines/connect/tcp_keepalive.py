"""The kernel probes each connection, so that a peer that vanished is noticed before any deadline (ADR 19).

A deadline says that one answer is late; a dead socket says that no answer will come on any: SQLAlchemy replaces
every connection of the pool. The probes also keep firewalls and address translation from forgetting an idle connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

IDLE = 30
"""Seconds of silence before the first probe; cloud load balancers forget silent lines after 240 or more."""

INTERVAL = 10
"""Seconds between two probes."""

PROBES = 3
"""Probes without an answer after which the socket is dead."""

UNACKNOWLEDGED = 30
"""Seconds that the peer's kernel has to acknowledge what we sent, probes included. A slow server's kernel does."""

_OPTIONS: Mapping[str, int] = MappingProxyType(
    {
        "TCP_KEEPIDLE": IDLE,
        "TCP_KEEPALIVE": IDLE,  # what macOS calls it
        "TCP_KEEPINTVL": INTERVAL,
        "TCP_KEEPCNT": PROBES,
        "TCP_USER_TIMEOUT": UNACKNOWLEDGED * 1000,  # Linux; without it, probes stop while something is on its way
    }
)


def enable_keepalive(transport: asyncio.BaseTransport | None) -> None:
    """Switch the probes on for a connection that was opened; a socket that is not TCP needs none."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for level, option, value in tcp_options():
        with suppress(OSError):  # an older kernel than the headers, or the peer is gone: the next use will tell
            sock.setsockopt(level, option, value)


def tcp_options() -> Iterator[tuple[int, int, int]]:
    """Level, option and value of everything that this platform knows."""
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    for name, value in _OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None:
            yield socket.IPPROTO_TCP, option, value
