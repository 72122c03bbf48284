"""The clusters by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from tests.clusters.galera import three_nodes
from tests.clusters.haproxy import Doors, haproxy, pgbouncers
from tests.clusters.mariadb import mariadb_cluster
from tests.clusters.patroni import PatroniCluster, patroni_cluster
from tests.clusters.postgresql import postgresql_cluster
from tests.failover.clients import Target
from tests.failover.managed import EVERY, SHORT, Front, ManagedScene, bare
from tests.failover.mariadb import Replicated, Synchronous
from tests.failover.scenes import Replication, Scene

CHECKS = 3.0
"""Seconds that HAProxy may need: it looks every second, and believes the second answer."""


C = TypeVar("C")


@contextmanager
def scene(opened: AbstractContextManager[C], make: Callable[[C], Scene]) -> Iterator[Scene]:
    """What a kind of cluster's scene is made of, while its servers run."""
    with opened as cluster:
        yield make(cluster)


@contextmanager
def patroni() -> Iterator[Scene]:
    """Patroni, and the servers themselves."""
    with patroni_cluster() as cluster:
        yield ManagedScene(cluster, "Patroni with etcd, three nodes, synchronous mode", bare, EVERY)


@contextmanager
def behind_haproxy() -> Iterator[Scene]:
    """Patroni, and HAProxy in front."""
    with patroni_cluster() as cluster, haproxy(cluster) as doors:
        yield ManagedScene(cluster, "Patroni behind HAProxy", _by(doors, "none"), SHORT, CHECKS)


@contextmanager
def behind_pgbouncer() -> Iterator[Scene]:
    """Patroni, HAProxy, and PgBouncer before that."""
    with patroni_cluster() as cluster, haproxy(cluster) as doors, pgbouncers(doors) as outer:
        yield ManagedScene(cluster, "Patroni behind HAProxy and PgBouncer", _by(outer, "pgbouncer"), SHORT, CHECKS)


def _by(doors: Doors, pooler: str) -> Front:
    @asynccontextmanager
    async def front(_: PatroniCluster, database: str) -> AsyncIterator[Target]:
        yield Target([doors.primary], database, [doors.replicas], pooler)

    return front


CLUSTERS: Mapping[str, Callable[[], AbstractContextManager[Scene]]] = {
    "replication": lambda: scene(postgresql_cluster(), Replication),
    "patroni": patroni,
    "haproxy": behind_haproxy,
    "pgbouncer": behind_pgbouncer,
    "mariadb": lambda: scene(mariadb_cluster(), Replicated),
    "galera": lambda: scene(three_nodes(), Synchronous),
}
