"""A PostgreSQL primary with two streaming replicas, which tests kill, freeze, promote and let lag.

What blocks here blocks an event loop too: in a coroutine, `await asyncio.to_thread(node.promote)`.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.clusters.installation import SUPERUSER, Installation
from tests.clusters.node import Node
from tests.own_servers import free_port, in_memory, postgresql_binaries, workspace
from tests.servers import NoServerError

NAMES = ("n1", "n2", "n3")

_ROOM = 2 * 1024**3
"""Bytes that must be free in memory; six data directories of 30 MB, and what tests write."""


class PostgresqlCluster:
    """The servers: `n1` is the primary, `n2` and `n3` stream from it until a test changes that."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._made = installation.work.path / "made"
        self.nodes = [Node(installation, name, free_port()) for name in NAMES]
        self.n1, self.n2, self.n3 = self.nodes

    @property
    def addresses(self) -> list[str]:
        """All of them, as `hosts` takes them."""
        return [node.address for node in self.nodes]

    @property
    def replicas(self) -> list[Node]:
        """The servers that the cluster has as replicas when it is made."""
        return [self.n2, self.n3]

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new database, which every replica has too; dropped by the next reset at the latest."""
        name = f"test_{secrets.token_hex(4)}"
        self.n1.server.execute(f"CREATE DATABASE {name}")
        self.await_replicas()
        yield name
        if not any(node.is_touched for node in self.nodes):
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

    def reset(self) -> None:
        """All as it was made, whatever a test did; nothing to do costs nothing."""
        if any(node.is_touched for node in self.nodes):
            self.halt()
            for node in self.nodes:
                shutil.rmtree(node.data)
                self._installation.copy(self._made / node.name, node.data)
            self._start()

    def make(self) -> None:
        """Make the servers, keep a copy for `reset`, and start them."""
        trusting = ("-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C")
        self._installation.run("initdb", "-D", self.n1.data, *trusting, "-N", "--wal-segsize=1")
        for node in self.replicas:
            self._installation.copy(self.n1.data, node.data)
        self._installation.work.run("mkdir", self._made)
        for node in self.nodes:
            self._installation.configure(node.name, node.port, None if node is self.n1 else self.n1.port)
            self._installation.copy(node.data, self._made / node.name)
        self._start()

    def halt(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.halt()

    def _start(self) -> None:
        for node in self.nodes:
            node.start()
        self.n1.await_streaming(*self.replicas)
        for node in self.nodes:
            node.is_touched = False


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
        cluster = PostgresqlCluster(Installation(work, binaries))
        try:
            cluster.make()
            yield cluster
        finally:
            cluster.halt()
