"""Servers of a profile as its settings hold them: each with its port, wherever it was written (contract C11.1)."""

from __future__ import annotations

from myfy_data.settings.url_query import address_text
from myfy_data.settings.urls import ConnectionURL

READERS = {"standby": "replica", "read-only": "replica", "prefer-standby": "prefer-replica"}
"""libpq's `target_session_attrs` that mean readers, as `reads.from` says them."""


def own_addresses(url: ConnectionURL) -> tuple[str, ...]:
    """Every server of an address, as `host:port`."""
    return tuple(address_text(host or "localhost", port or url.default_port) for host, port in url.hosts)
