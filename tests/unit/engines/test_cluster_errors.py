"""What a profile with several servers says when none of them serves, word by word (contract C11.3, C11.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from myfy_data import ClusterError, DatabaseConnectionError, DatabaseSettings, ReplicaUnavailable
from myfy_data.engines.cluster import errors
from myfy_data.engines.cluster.errors import foreign_servers, no_primary, no_replica, nothing_fresh
from myfy_data.engines.cluster.status import HostStatus
from myfy_data.engines.cluster.wanted import FOREIGN, UNKNOWN_COMMIT

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SETTINGS = DatabaseSettings(database_url="postgresql://app@/shop", hosts=["a:1", "b:2"], cluster={"heartbeat": 2.0})


class Clock(datetime):
    """It stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        assert tz is UTC
        return NOW


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "datetime", Clock)


def host(address: str, role: str, lag: float | None = None, error: str | None = None, ago: float = 0.0) -> HostStatus:
    return HostStatus(address, role, lag, error, NOW - timedelta(seconds=ago))


SERVERS = (
    host("db1.internal:5432", "down", error="no answer within 1 s", ago=12.4),
    host("db2.internal:5433", "replica", lag=0.2),
    host("db3.internal:5432", "stale"),
)

TOLD = """
  db1.internal:5432  down for 12.4 s: no answer within 1 s
  db2.internal:5433  replica, 0.2 s behind
  db3.internal:5432  stale: follows no server, or another one than the primary"""

TO_WAIT = """
  fix: nothing here if a failover is under way; else see which server the cluster manager made the leader"""
TO_THE_PRIMARY = """
  fix: data.session(read_only=True, read_from="primary"); or reads.consistency = "eventual", which may miss it"""

ERRORS: dict[str, tuple[Callable[[], ClusterError], str, float]] = {
    "no primary any more": (
        lambda: no_primary("main", SERVERS, 30.0, "db1.internal:5432", 2.0),
        (f"profile 'main': no primary within 30 s; the last one was db1.internal:5432{TOLD}{TO_WAIT}"),
        2.0,
    ),
    "no primary yet": (
        lambda: no_primary("main", SERVERS[1:2], 0.5, None, 2.0),
        (f"profile 'main': no primary within 0.5 s\n  db2.internal:5433  replica, 0.2 s behind{TO_WAIT}"),
        2.0,
    ),
    "no replica": (
        lambda: no_replica("main", SERVERS, SETTINGS),
        (
            f"profile 'main': no replica within max_lag 5 s{TOLD}"
            '\n  fix: reads.from = "prefer-replica" lets the primary serve them'
        ),
        2.0,
    ),
    "no replica is fresh enough": (
        lambda: nothing_fresh("main", SERVERS, SETTINGS, "", None),
        f"profile 'main': no replica has what was written within reads.wait 0.5 s{TOLD}{TO_THE_PRIMARY}",
        2.0,
    ),
    "a token of another cluster": (
        lambda: nothing_fresh("main", SERVERS, SETTINGS, FOREIGN, None),
        f"profile 'main': `after` is no token of this profile's servers{TOLD}{TO_THE_PRIMARY}",
        2.0,
    ),
    "a commit whose outcome is unknown": (
        lambda: nothing_fresh("main", SERVERS, SETTINGS, UNKNOWN_COMMIT, 7.5),
        (
            "profile 'main': this request, task or job sent a COMMIT whose outcome is unknown, "
            f"and a replica may lack it{TOLD}{TO_THE_PRIMARY}"
        ),
        7.5,
    ),
    "servers of two clusters": (
        lambda: foreign_servers(
            "main",
            [host("a:1", "stranger"), host("b:2", "stranger", error="system identifier 77131, expected 77119")],
            ["b:2", "a:1"],
        ),
        (
            "profile 'main': servers of more than one cluster: a:1, b:2"
            "\n  a:1  belongs to another cluster"
            "\n  b:2  belongs to another cluster (system identifier 77131, expected 77119)"
            "\n  fix: remove what does not belong there from profiles.main.hosts"
        ),
        1.0,
    ),
}


@pytest.mark.parametrize(("make", "told", "again"), ERRORS.values(), ids=ERRORS)
def test_every_error_says_why_of_each_server(make: Callable[[], ClusterError], told: str, again: float) -> None:
    error = make()

    assert str(error) == told
    assert error.retry_after == again
    assert isinstance(error, DatabaseConnectionError)


def test_only_what_a_replica_must_serve_is_a_replica_s_error() -> None:
    found = {name for name, (make, *_) in ERRORS.items() if isinstance(make(), ReplicaUnavailable)}

    assert found == {
        "no replica",
        "no replica is fresh enough",
        "a token of another cluster",
        "a commit whose outcome is unknown",
    }


SAID = [
    (host("a:1", "primary"), "primary"),
    (host("a:1", "replica", lag=0.0), "replica, 0 s behind"),
    (host("a:1", "replica", error="Duplicate entry"), "replica, Duplicate entry"),
    (host("a:1", "replica"), "replica, how far behind is not known"),
    (host("a:1", "stale", error="takes writes, as another server does"), "stale: takes writes, as another server does"),
    (host("a:1", "down"), "down: no answer"),
    (host("a:1", "down", error="refused", ago=0.9), "down: refused"),
    (host("a:1", "unknown"), "not known yet"),
    (host("a:1", "unknown", error="takes writes, as another server does"), "takes writes, as another server does"),
]


@pytest.mark.parametrize(("status", "words"), SAID)
def test_what_is_said_of_a_server(status: HostStatus, words: str) -> None:
    assert errors.describe(status) == words
