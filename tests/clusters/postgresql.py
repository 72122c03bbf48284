"""A PostgreSQL primary with two streaming replicas, which tests kill, freeze, promote and let lag.

What blocks here blocks an event loop too: in a coroutine, `await asyncio.to_thread(node.promote)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.clusters.cluster import Cluster, at_work, new_name
from tests.clusters.installation import SUPERUSER, Installation
from tests.clusters.node import Node
from tests.own_servers import free_port, in_memory, postgresql_binaries, workspace
from tests.servers import NoServerError

NAMES = ("n1", "n2", "n3")

_ROOM = 2 * 1024**3
"""Bytes that must be free in memory; six data directories of 30 MB, and what tests write."""


class PostgresqlCluster(Cluster[Node]):
    """The servers: `n1` is the primary, `n2` and `n3` stream from it until a test changes that."""

    def __init__(self, installation: Installation) -> None:
        super().__init__(installation.work, [Node(installation, name, free_port()) for name in NAMES])
        self._installation = installation
        self.n1, self.n2, self.n3 = self.nodes

    @property
    def replicas(self) -> list[Node]:
        """The servers that the cluster has as replicas when it is made."""
        return [self.n2, self.n3]

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new database, which every replica has too; dropped by the next reset at the latest."""
        name = new_name()
        self.n1.server.execute(f"CREATE DATABASE {name}")
        self.await_replicas()
        yield name
        if not self.is_touched:
            self.n1.server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def await_replicas(self, primary: Node | None = None, *replicas: Node) -> None:
        """Wait until replicas (by default all) have applied what the primary wrote up to now."""
        ((position,),) = (primary or self.n1).fetch("SELECT pg_current_wal_insert_lsn()::text")
        for node in replicas or self.replicas:
            node.await_answer(f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn", True)

    def replicate_synchronously(self, *standbys: str, commit: str = "on") -> None:
        """COMMIT waits for one of these (by default of the others); whichever server is the primary."""
        for node in self.nodes:
            names = standbys or [other.name for other in self.nodes if other is not node]
            node.configure(synchronous_standby_names=f"ANY 1 ({', '.join(names)})", synchronous_commit=commit)
        kept = "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'quorum'"
        self.n1.await_answer(kept, True)

    def install(self) -> None:
        """As `Cluster`."""
        trusting = ("-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C")
        self._installation.run("initdb", "-D", self.n1.data, *trusting, "-N", "--wal-segsize=1")
        for node in self.replicas:
            self._work.run("cp", "-a", self.n1.data, node.data)
        for node in self.nodes:
            self._installation.configure(node.name, node.port, None if node is self.n1 else self.n1.port)
        self.keep()

    def launch(self) -> None:
        """As `Cluster`."""
        for node in self.nodes:
            node.start()
        self.n1.await_streaming(*self.replicas)


@contextmanager
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    """A cluster of three, which ends with the block.

    Raises:
        NoServerError: PostgreSQL is not installed.
    """
    # A disk that others write to makes a copy of three servers a matter of ten seconds and more.
    with workspace("postgres", in_memory(_ROOM)) as work:
        binaries = postgresql_binaries(work)
        if binaries is None:
            raise NoServerError("no PostgreSQL: install it (Debian: apt-get install postgresql)")
        with at_work(PostgresqlCluster(Installation(work, binaries))) as cluster:
            yield cluster
