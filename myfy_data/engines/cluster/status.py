"""What is known of a profile's servers: plain data for applications, health and commands (contract C11.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import server_addresses


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One server.

    Attributes:
        address: host and port.
        role: `primary`, `replica`, `stale`, `down`, `stranger` or `unknown`.
        lag: seconds that a replica is behind; None when unknown.
        error: why it did not answer; None when it did.
        since: when it took this role, with its time zone.
    """

    address: str
    role: str
    lag: float | None
    error: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The servers of one profile.

    Attributes:
        primary: the address of the primary; None when there is none.
        hosts: every server, in written order.
        failovers: how often the primary was another one than before.
    """

    primary: str | None
    hosts: tuple[HostStatus, ...]
    failovers: int = 0


def alone(settings: DatabaseSettings, role: str = "unknown") -> ClusterStatus:
    """What is known of the one server of a profile, which is not watched: a role that has just been told.

    A database in a file has no server.
    """
    if not settings.url.default_port:  # a file
        return ClusterStatus(None, ())
    now = datetime.now(UTC)
    return ClusterStatus(None, tuple(HostStatus(one, role, None, None, now) for one in server_addresses(settings)))
