"""Who may see the page: this machine, asked by a name of this machine, with nothing between (contract C12.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from myfy_data.endpoints.http import Response, Scope

_FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"via", b"cf-connecting-ip", b"true-client-ip")
_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What `Host` may say: any other name may lead here from a page of another site (DNS rebinding)."""


def refusal(scope: Scope, *, asks_server: bool) -> Response | None:
    """Why a request is not answered; None when it is.

    Args:
        scope: the request.
        asks_server: whether it has a server asked for something, which a link on another site must not.
    """
    reason = _reason(scope, asks_server=asks_server)
    return None if reason is None else Response(403, reason.encode(), "text/plain; charset=utf-8")


def _reason(scope: Scope, *, asks_server: bool) -> str | None:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if not _is_loopback(scope.get("client")):
        return "only for this machine"
    if any(name.lower().startswith(_FORWARDED) for name, _ in headers):
        return "not through a proxy"
    hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    if len(hosts) != 1 or _without_port(hosts[0]) not in _NAMES:
        return "only as localhost"
    if _is_of_another_site({name.lower(): value for name, value in headers}, may_follow_links=not asks_server):
        return "only from the page itself"
    return None


def _is_of_another_site(headers: Mapping[bytes, bytes], *, may_follow_links: bool) -> bool:
    """Whether a page of another site asks: the application's own CORS may let it read the answer.

    Args:
        headers: by their names, in lower case.
        may_follow_links: whether a person may come by a link of that page.
    """
    site = headers.get(b"sec-fetch-site")
    if site is None:  # a browser of before 2023, or a program, which has no origin
        origin = headers.get(b"origin")
        return origin is not None and origin.partition(b"://")[2] != headers.get(b"host")
    if site in (b"same-origin", b"none"):
        return False
    return not (may_follow_links and headers.get(b"sec-fetch-mode") == b"navigate")


def _is_loopback(client: Sequence[object] | None) -> bool:
    try:
        return client is not None and ip_address(str(client[0])).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name.lower() if separator and port.isdigit() else host.lower()
