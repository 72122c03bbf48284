"""Errors of a profile whose servers cannot serve (contract C11.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from myfy_data.engines.cluster.status import HostStatus
from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.connect.connect_errors import chain
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings

_WAIT = "nothing here if a failover is under way; else see which server the cluster manager made the leader"


class ClusterError(DatabaseConnectionError):
    """No server of the profile can serve; names every one and why.

    Attributes:
        profile: the profile's name.
        servers: what is known of each server.
        retry_after: seconds after which another try makes sense.
    """

    def __init__(
        self, profile: str, reason: str, servers: Sequence[HostStatus], *, fix: str = _WAIT, retry_after: float = 1.0
    ) -> None:
        told = "".join(f"\n  {server.address}  {describe(server)}" for server in servers)
        super().__init__(profile, ", ".join(server.address for server in servers), f"{reason}{told}", fix)
        self.servers: tuple[HostStatus, ...] = tuple(servers)
        self.retry_after = retry_after
        self.args: tuple[str, ...] = (f"profile {profile!r}: {reason}{told}\n  fix: {fix}",)


class ReplicaUnavailable(ClusterError):
    """No replica can serve a session that reads from replicas alone."""


def no_primary(
    profile: str, servers: Sequence[HostStatus], seconds: float, last: str | None, again: float
) -> ClusterError:
    """No server took writes for so long.

    Args:
        profile: the profile's name.
        servers: what is known of each server.
        seconds: that were waited.
        last: the primary before; None when there was none.
        again: seconds after which another try makes sense.
    """
    reason = f"no primary within {seconds:g} s{f'; the last one was {last}' if last is not None else ''}"
    return ClusterError(profile, reason, servers, retry_after=again)


def no_replica(profile: str, servers: Sequence[HostStatus], settings: DatabaseSettings) -> ReplicaUnavailable:
    """No replica serves at all."""
    return ReplicaUnavailable(
        profile,
        f"no replica within max_lag {settings.reads.max_lag:g} s",
        servers,
        fix='reads.from = "prefer-replica" lets the primary serve them',
        retry_after=settings.cluster.heartbeat,
    )


def nothing_fresh(
    profile: str, servers: Sequence[HostStatus], settings: DatabaseSettings, refusal: str, seconds: float | None
) -> ReplicaUnavailable:
    """Replicas serve, and none of them can be shown to have what was written (contract C11.4).

    Args:
        profile: the profile's name.
        servers: what is known of each server.
        settings: the profile's settings.
        refusal: why none can be; empty where they only were too slow.
        seconds: after which that ends by itself, where it does.
    """
    reason = refusal or f"no replica has what was written within reads.wait {settings.reads.wait:g} s"
    fix = 'data.session(read_only=True, read_from="primary"); or reads.consistency = "eventual", which may miss it'
    return ReplicaUnavailable(profile, reason, servers, fix=fix, retry_after=seconds or settings.cluster.heartbeat)


def foreign_servers(profile: str, servers: Sequence[HostStatus], strangers: Iterable[str]) -> ClusterError:
    """Servers of another cluster stand among the hosts, and nothing decides which are right."""
    reason = f"servers of more than one cluster: {', '.join(sorted(strangers))}"
    return ClusterError(
        profile, reason, servers, fix=f"remove what does not belong there from profiles.{profile}.hosts"
    )


def describe(server: HostStatus) -> str:
    """What a server is, in the words of an error."""
    behind = f", {server.lag:g} s behind" if server.lag is not None and server.role in ("replica", "stale") else ""
    words = {
        "primary": "primary",
        "replica": f"replica{behind or (f', {server.error}' if server.error else ', how far behind is not known')}",
        "stale": f"stale: {server.error or 'follows no server, or another one than the primary'}",
        "stranger": f"belongs to another cluster{f' ({server.error})' if server.error else ''}",
        "down": f"down{_for_so_long(server.since)}: {server.error or 'no answer'}",
        "unknown": server.error or "not known yet",
    }
    return words[server.role]


def is_unreachable(error: BaseException, backend: AnyBackend) -> bool:
    """Whether a connection failed because of the server's state or the way to it, not of what we asked for."""
    return any(
        isinstance(item, OSError | EOFError)
        or (isinstance(item, DBAPIError) and item.connection_invalidated)
        or backend.is_away(item)
        for item in chain(error)
    )


def _for_so_long(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f" for {seconds:.1f} s" if seconds > 1 else ""
