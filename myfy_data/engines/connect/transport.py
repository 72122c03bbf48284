"""Ends of a connection's transport that need no answer: from any thread, also when the loop is closed."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

CLOSE_TIMEOUT = 0.5
"""Seconds, at most, for the disconnect of a single connection: a waiter may need its place in the pool."""


def abort_transport(transport: asyncio.WriteTransport | None) -> None:
    """Close a transport at once, also one whose loop is closed and will never call it back."""
    if transport is None:
        return
    with suppress(RuntimeError):  # the loop is closed
        transport.abort()
    loop = getattr(transport, "_loop", None)
    if loop is not None and loop.is_closed():
        _close_socket(transport)


def shutdown_socket(transport: asyncio.WriteTransport | None) -> None:
    """Shut the socket below a transport down, from any thread: the server sees the disconnect."""
    if transport is None:
        return
    with suppress(OSError, AttributeError):  # closed already
        number = os.dup(transport.get_extra_info("socket").fileno())  # uvloop's own object cannot be shut down
        with socket.socket(fileno=number) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


def _close_socket(transport: asyncio.WriteTransport) -> None:
    # A TLS transport stands on another one, which holds the socket.
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    connection_lost = getattr(below, "_call_connection_lost", None)
    if connection_lost is not None:
        with suppress(RuntimeError, AttributeError):
            connection_lost(None)
