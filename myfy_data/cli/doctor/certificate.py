"""How long the certificate that a server shows is still good."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.cli.doctor.finding import Finding
from myfy_data.engines.registry import EngineRegistry

SOON: float = 21.0
"""Days before its end at which a certificate should be renewed: time for a change that goes through a review."""

_DAY = 86400.0


async def certificate_end(registry: EngineRegistry, name: str, connection: AsyncConnection) -> float | None:
    """Until when it is good, in seconds since 1970; None without TLS, and where `tls` says not to verify it."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    backend = next(opened.backend for opened in registry.opened if opened.profile == name)
    transport = backend.transport(driver)
    line = transport.get_extra_info("ssl_object") if transport is not None else None
    shown = line.getpeercert() if line is not None else None
    return ssl.cert_time_to_seconds(shown["notAfter"]) if shown else None


def certificate_findings(name: str, end: float | None, now: float) -> Iterator[Finding]:
    """Nothing where there is none, or none that is verified."""
    if end is None:
        return
    days = int((end - now) // _DAY)
    if days < SOON:
        message = f"the server's certificate ends in {days} days, and then no connection can be made"
        yield Finding("certificate", name, "warn", message, "renew the certificate, and have the server read it")
    else:
        yield Finding("certificate", name, "ok", f"the server's certificate is good for {days} days")
