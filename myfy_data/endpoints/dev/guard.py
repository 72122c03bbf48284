"""Who may see the page: this machine, asked by a name of this machine, with nothing between (contract C12.7)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from myfy_data.endpoints.http import Response, Scope

_FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"via", b"cf-connecting-ip", b"true-client-ip")
_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What `Host` may say: any other name may lead here from a page of another site (DNS rebinding)."""


def refusal(scope: Scope) -> Response | None:
    """Why a request is not answered; None when it is."""
    reason = _reason(scope)
    return None if reason is None else _refused(reason)


def refusal_by_other_site(scope: Scope) -> Response | None:
    """As `refusal`, of what asks the server: only a person does, on the page itself or in the line of the address."""
    sites = [value for name, value in scope["headers"] if name.lower() == b"sec-fetch-site"]
    return None if all(site in (b"same-origin", b"none") for site in sites) else _refused("only from the page itself")


def _refused(reason: str) -> Response:
    return Response(403, reason.encode(), "text/plain; charset=utf-8")


def _reason(scope: Scope) -> str | None:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if not _is_loopback(scope.get("client")):
        return "only for this machine"
    if any(name.lower().startswith(_FORWARDED) for name, _ in headers):
        return "not through a proxy"
    hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _NAMES:
        return "only as localhost"
    return None


def _is_loopback(client: Sequence[object] | None) -> bool:
    try:
        return client is not None and ip_address(str(client[0])).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name.lower() if separator and port.isdigit() else host.lower()
