"""How long certificates are still good: the one that a server shows, and the one that we show it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.cli.doctor.finding import Finding
from myfy_data.engines.registry import EngineRegistry

SOON: float = 21.0
"""Days before its end at which a certificate should be renewed: time for a change that goes through a review."""

_DAY = 86400.0
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION = 0xA0
"""The tag of the one part of a certificate before its dates that may be left out."""


async def certificate_end(registry: EngineRegistry, name: str, connection: AsyncConnection) -> float | None:
    """Until when the server's is good, in seconds since 1970; None without TLS, and where nothing verifies it."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    backend = next(opened.backend for opened in registry.opened if opened.profile == name)
    transport = backend.transport(driver)
    line = transport.get_extra_info("ssl_object") if transport is not None else None
    shown = line.getpeercert() if line is not None else None
    return ssl.cert_time_to_seconds(shown["notAfter"]) if shown else None


def own_certificate_end(path: Path | None) -> float | None:
    """Until when the one in a file is good, the first where there are several; None where there is none to read."""
    found = _PEM.search(path.read_text(encoding="ascii", errors="replace")) if path is not None else None
    return _end_of(ssl.PEM_cert_to_DER_cert(found.group())) if found else None


def certificate_findings(name: str, whose: str, end: float | None, now: float) -> Iterator[Finding]:
    """Nothing where there is none, or none that is verified.

    Args:
        name: the profile's name.
        whose: `server` or `client`.
        end: until when it is good, in seconds since 1970.
        now: the same, now.
    """
    if end is None:
        return
    check = "certificate" if whose == "server" else "client-certificate"
    days = int((end - now) // _DAY)
    if days < SOON:
        when = f"ends in {days} days" if days >= 0 else "has ended"
        fix = "renew the certificate, and have the server read it"
        yield Finding(check, name, "warn", f"the {whose}'s certificate {when}, and then no connection can be made", fix)
    else:
        yield Finding(check, name, "ok", f"the {whose}'s certificate is good for {days} days")


def _end_of(der: bytes) -> float:
    """The second of a certificate's two dates (RFC 5280, 4.1): Python has no public reader for our own."""
    signed = _parts(_parts(_parts(der)[0][1])[0][1])
    dates = signed[signed[0][0] == _VERSION :][3][1]  # behind serial number, algorithm and issuer
    text = _parts(dates)[1][1].decode("ascii")
    century = "" if len(text) == len("YYYYMMDDHHMMSSZ") else "19" if text >= "50" else "20"
    return datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each part of a DER structure."""
    found, at = [], 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(content[at : at + size]), at + size
        found.append((tag, content[at : at + length]))
        at += length
    return found
